"""Masking tokens: which are to be predicted, and what is read in their place.

Every step is a function of tensors with static shapes. What is random comes in as uniform
draws, so that the formulas can be tested; `Masking` draws them from a `Seed`,
row by row, and does not change when a batch is split.
"""

from typing import NamedTuple

import tensorflow as tf

from electra_bench.core import Batch, Seed, SpecialIds

# What becomes of a position that was drawn more than once.
REPEATS = ("mean", "once")


class Masked(NamedTuple):
    """A batch with some tokens masked.

    Attributes:
        input_ids: int32 [batch, seq], with [MASK] at most of the positions.
        positions: what to predict, int32 [batch, preds]; 0 in unused slots. A position
            may occur several times.
        ids: the original tokens there, int32 [batch, preds]; 0 in unused slots.
        weights: 1 for used slots and 0 for others, float32 [batch, preds].
    """

    input_ids: tf.Tensor
    positions: tf.Tensor
    ids: tf.Tensor
    weights: tf.Tensor


class Masking(NamedTuple):
    """Draws the tokens to predict, and what is read in their place.

    Attributes:
        mask_prob: fraction of the tokens to predict, in (0, 1).
        distinct_positions: draw without replacement.
        repeated_positions: what becomes of a position that was drawn before in its row:
            "mean" leaves it in, so that `corrupt` puts the mean of its samples there;
            "once" takes it out, so that it counts once and has one sample.
        mask_token_prob: a chosen token becomes [MASK] with this probability,
        random_token_prob: any token of the vocabulary with this one, and stays as it is
            otherwise.

    Source: Clark et al. 2020, section 2; google-research/electra
    pretrain/pretrain_helpers.py `mask`; Devlin et al. 2019, section 3.1 (random tokens).
    Differs: rows without candidates predict nothing, where the original reads the first
    token of the next row; seeded row by row.
    """

    mask_prob: float
    distinct_positions: bool = False
    repeated_positions: str = "mean"
    mask_token_prob: float = 0.85
    random_token_prob: float = 0.0

    def __call__(self, batch: Batch, special_ids: SpecialIds, seed: Seed) -> Masked:
        """Masks a batch.

        Args:
            batch: texts; the length of its rows must be static.
            special_ids: of the vocabulary.
            seed: where to draw from.

        Raises:
            ValueError: the length of the sequences is not static.
        """
        rows, seq = tf.shape(batch.input_ids)[0], batch.input_ids.shape[1]
        if seq is None:
            raise ValueError(
                "masking needs sequences of a static length, got [batch, None]"
            )
        slots = max_predictions(seq, self.mask_prob)
        allowed = candidates(batch.input_ids, batch.input_mask, special_ids)
        num_allowed = tf.reduce_sum(tf.cast(allowed, tf.int32), -1)
        wanted = num_to_predict(batch.input_mask, self.mask_prob, slots)
        where = seed.fold("positions")
        # [batch, seq] -> [batch, preds]
        if self.distinct_positions:
            # Allowed ones first.
            keys = tf.where(allowed, where.uniform([rows, seq]), -1.0)
            drawn = tf.math.top_k(keys, slots).indices
            num_used = tf.minimum(wanted, num_allowed)
        else:
            drawn = choose_with_replacement(allowed, where.uniform([rows, slots]))
            num_used = tf.where(num_allowed > 0, wanted, 0)
        used = tf.sequence_mask(num_used, slots)
        if self.repeated_positions == "once":
            used &= is_first(drawn)
        tokens = tf.fill([rows, slots], special_ids.mask)
        kept = seed.fold("kept").uniform([rows, slots])
        if self.random_token_prob > 0.0:
            other = seed.fold("random").uniform([rows, slots]) * special_ids.size
            is_mask = kept < self.mask_token_prob
            tokens = tf.where(is_mask, tokens, tf.cast(other, tf.int32))
        replaced = kept < self.mask_token_prob + self.random_token_prob
        return mask_positions(batch.input_ids, drawn, used, tokens, replaced)

    def check(self, objective: str) -> None:
        """Checks the settings.

        Args:
            objective: registered name, for the message.

        Raises:
            ValueError: one is out of range.
        """
        where = f"objectives.{objective}"
        if not 0.0 < self.mask_prob < 1.0:
            raise ValueError(
                f"{where}.mask_prob must be in (0, 1), got {self.mask_prob}"
            )
        if self.repeated_positions not in REPEATS:
            raise ValueError(
                f"{where}.repeated_positions must be one of {', '.join(REPEATS)}; got "
                f"{self.repeated_positions!r}"
            )
        shares = self.mask_token_prob, self.random_token_prob
        if min(shares) < 0.0 or sum(shares) > 1.0 + 1e-9:
            raise ValueError(
                f"{where}.mask_token_prob and random_token_prob must be at least 0 and "
                f"together at most 1, got {shares[0]} and {shares[1]}"
            )


def max_predictions(seq_length: int, mask_prob: float) -> int:
    """Number of prediction slots in a sequence of `seq_length` tokens.

    Source: google-research/electra configure_pretraining.py. Differs: at least one.
    """
    return max(1, int((mask_prob + 0.005) * seq_length))


def candidates(
    input_ids: tf.Tensor, input_mask: tf.Tensor, special_ids: SpecialIds
) -> tf.Tensor:
    """Where masking is allowed: bool [batch, seq].

    All tokens but [CLS], [SEP] and [MASK]; [UNK] is allowed.

    Args:
        input_ids: int32 [batch, seq].
        input_mask: 1 for tokens, int32 [batch, seq].
        special_ids: of the vocabulary.

    Source: google-research/electra pretrain/pretrain_helpers.py `get_candidates_mask`.
    """
    allowed = tf.cast(input_mask, tf.bool)
    for special in (special_ids.cls, special_ids.sep, special_ids.mask):
        allowed &= input_ids != special
    return allowed


def num_to_predict(
    input_mask: tf.Tensor, mask_prob: float, num_slots: int
) -> tf.Tensor:
    """How many tokens of each row to predict: int32 [batch].

    Args:
        input_mask: 1 for tokens, [CLS] and [SEP] included, int32 [batch, seq].
        mask_prob: fraction to predict; the product is rounded half to even, in float32.
        num_slots: the most there is room for.

    Source: google-research/electra pretrain/pretrain_helpers.py `mask`.
    """
    tokens = tf.cast(tf.reduce_sum(input_mask, -1), tf.float32)
    wanted = tf.cast(tf.round(tokens * mask_prob), tf.int32)
    return tf.maximum(1, tf.minimum(num_slots, wanted))


def choose_with_replacement(allowed: tf.Tensor, uniform: tf.Tensor) -> tf.Tensor:
    """Positions drawn uniformly and independently from the allowed ones.

    The inverse of the cumulative distribution at each draw: one number a slot, where
    `tf.random.categorical` has one distribution of its own for every row.

    Args:
        allowed: bool [batch, seq].
        uniform: draws in [0, 1), float32 [batch, preds].

    Returns:
        int32 [batch, preds]; `seq - 1` or less, meaningless in rows without candidates.
    """
    # [batch, seq]: number of candidates up to and with each position
    counts = tf.cumsum(tf.cast(allowed, tf.int32), axis=-1)
    total = counts[:, -1:]
    # Below the total: float32 has no draw below 1 whose product is rounded up to it.
    chosen = tf.cast(uniform * tf.cast(total, tf.float32), tf.int32)
    positions = tf.searchsorted(counts, chosen + 1, side="left")
    return tf.minimum(positions, allowed.shape[1] - 1)


def is_first(positions: tf.Tensor) -> tf.Tensor:
    """Whether no slot before holds the same position: bool [batch, preds].

    Args:
        positions: int32 [batch, preds].
    """
    # [batch, preds, preds]
    same = positions[:, :, tf.newaxis] == positions[:, tf.newaxis, :]
    before = tf.linalg.band_part(tf.cast(same, tf.int32), -1, 0)
    # Every slot has the same position as itself.
    return tf.reduce_sum(before, -1) == 1


def mask_positions(
    input_ids: tf.Tensor,
    positions: tf.Tensor,
    used: tf.Tensor,
    tokens: tf.Tensor,
    replaced: tf.Tensor,
) -> Masked:
    """Puts tokens at some of the chosen positions.

    Args:
        input_ids: int32 [batch, seq].
        positions: chosen ones, int32 [batch, preds].
        used: whether a slot counts, bool [batch, preds].
        tokens: what to put there, int32 [batch, preds].
        replaced: whether to put it there, or to leave the token as it is, bool
            [batch, preds].

    Returns:
        See `Masked`.

    Source: google-research/electra pretrain/pretrain_helpers.py `mask`.
    """
    counted = tf.cast(used, tf.int32)
    positions *= counted
    ids = gather_positions(input_ids, positions) * counted
    # Position 0 is [CLS] and stands for no position at all.
    where = positions * tf.cast(replaced, tf.int32)
    masked_ids, _ = scatter_update(input_ids, tokens, where)
    return Masked(masked_ids, positions, ids, tf.cast(used, tf.float32))


def unmask(masked: Masked) -> tf.Tensor:
    """The original tokens, int32 [batch, seq]."""
    return scatter_update(masked.input_ids, masked.ids, masked.positions)[0]


def gather_positions(sequence: tf.Tensor, positions: tf.Tensor) -> tf.Tensor:
    """What stands at the positions.

    Args:
        sequence: [batch, seq] or [batch, seq, hidden].
        positions: int32 [batch, preds].

    Returns:
        [batch, preds] or [batch, preds, hidden].
    """
    return tf.gather(sequence, positions, batch_dims=1)


def scatter_update(
    sequence: tf.Tensor, updates: tf.Tensor, positions: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Replaces what stands at the positions.

    Where a position occurs several times, its value is the mean of the updates; for
    integers it is rounded down, so that two different samples for one position become a
    third, unrelated token.

    Args:
        sequence: int32 or float32 [batch, seq] or [batch, seq, hidden].
        updates: same dtype, [batch, preds] or [batch, preds, hidden].
        positions: int32 [batch, preds]; 0 for nowhere: the first token never changes.

    Returns:
        The sequence, and int32 [batch, seq] with 1 where it was updated.

    Source: google-research/electra pretrain/pretrain_helpers.py `scatter_update`.
    """
    batch, seq = tf.unstack(tf.shape(sequence)[:2])
    # [batch, preds] -> [batch * preds, 1], rows of the flattened sequence
    flat = tf.reshape(positions + seq * tf.range(batch)[:, tf.newaxis], [-1, 1])
    rows = tf.reshape(updates, tf.concat([[-1], tf.shape(sequence)[2:]], 0))
    shape = tf.concat([[batch * seq], tf.shape(sequence)[2:]], 0)
    sums = tf.reshape(tf.scatter_nd(flat, rows, shape), tf.shape(sequence))
    ones = tf.ones([tf.shape(flat)[0]], tf.int32)
    counts = tf.reshape(tf.scatter_nd(flat, ones, [batch * seq]), [batch, seq])
    counts *= tf.cast(tf.range(seq) > 0, tf.int32)
    changed = tf.minimum(counts, 1)
    divisor = tf.cast(tf.maximum(counts, 1), sequence.dtype)
    is_changed = changed > 0
    if sequence.shape.rank == 3:
        divisor, is_changed = divisor[..., tf.newaxis], is_changed[..., tf.newaxis]
    means = sums // divisor if sequence.dtype.is_integer else sums / divisor
    updated = tf.where(is_changed, means, sequence)
    return tf.ensure_shape(updated, sequence.shape), changed

"""Operations of a forward pass, method v2, counted by hand at small sizes."""

from electra_bench.models.flops import (
    EncoderSizes,
    dense_flops,
    discriminator_head_flops,
    encoder_flops,
    layer_flops,
    masked_lm_head_flops,
    sampling_flops,
)

SIZES = EncoderSizes(hidden=6, layers=3, heads=2, ffn=10, embedding=4)
SEQ = 5


def test_a_dense_layer():
    assert dense_flops(4, 3) == 4 * 3 + 4 * 3 + 3


def test_a_layer():
    expected = sum(
        (
            4 * (2 * 6 * 6 + 6),  # query, key, value, output
            2 * 6 * 5,  # scores
            6,  # scaled queries
            2 * 5 * (1 + 5 + 4),  # of the scores: mask, softmax, dropout
            2 * 6 * 5,  # weighted values
            2 * 6 * 10 + 10,
            8 * 10,  # GELU
            2 * 10 * 6 + 6,
            2 * 6 * (4 + 1 + 5),  # dropout, residual and norm, twice
        )
    )
    assert layer_flops(SIZES, SEQ) == SEQ * expected


def test_an_encoder():
    embeddings = SEQ * (4 * (2 + 5 + 4) + 2 * 4 * 6 + 6)
    assert encoder_flops(SIZES, SEQ) == embeddings + 3 * layer_flops(SIZES, SEQ)
    square = EncoderSizes(hidden=6, layers=3, heads=2, ffn=10, embedding=6)
    expected = SEQ * 6 * (2 + 5 + 4) + 3 * layer_flops(square, SEQ)
    assert encoder_flops(square, SEQ) == expected


def test_heads():
    masked = (2 * 6 * 4 + 4) + 4 * (8 + 5) + (2 * 4 * 7 + 7) + 5 * 7
    assert masked_lm_head_flops(6, 4, 7, 3) == 3 * masked
    detected = (2 * 6 * 6 + 6) + 8 * 6 + (2 * 6 + 1) + 4
    assert discriminator_head_flops(6, SEQ) == SEQ * detected
    assert sampling_flops(7, 3) == 3 * 7 * 6

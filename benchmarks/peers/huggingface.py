"""How fast Hugging Face's transformers do the same work; needs torch and transformers only.

    python huggingface.py pretrain --precision bfloat16
    python huggingface.py finetune --batch 32x384 --hidden 384 --heads 12 --ffn 1536
    python huggingface.py finetune --vocab vocab.txt --tsv MRPC/train.tsv --header \
        --columns 3,4,0
    python huggingface.py predict --vocab vocab.txt --tsv QNLI/dev.tsv --header \
        --columns 1,2

Prints one line of JSON: seconds and processor seconds of an update (medians), tokens and
examples a second, seconds from the start of the process to its first update or to its last
prediction, and the largest size of the process. Weights are random: speed does not depend
on them. `--threads` as on the other side, or none on either.
"""

import argparse
import csv
import json
import statistics
import time

import torch
import transformers
from process import peak_mb, since_start

VOCAB_SIZE, MASK_ID, NUM_LAYERS, EMBEDDING = 30522, 103, 12, 128
MASKED_SHARE, DISC_WEIGHT = 0.15, 50.0
# As the ELECTRA paper has them.
ADAMW = {"eps": 1e-6, "weight_decay": 0.01, "fused": True}


def main() -> None:
    """Runs one kind of work and prints the line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("work", choices=["pretrain", "finetune", "predict"])
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--batch", default="32x128", help="rows x tokens")
    parser.add_argument("--hidden", type=int, default=256)
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--ffn", type=int, default=1024)
    parser.add_argument("--vocab", help="vocab.txt; else its size is 30,522")
    parser.add_argument("--tsv", help="file of texts; else batches are random")
    parser.add_argument("--columns", default="1", help="of texts; a label goes last")
    parser.add_argument("--header", action="store_true")
    parser.add_argument("--max_length", type=int, default=128)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--threads", type=int)
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    work = {"pretrain": Pretraining, "finetune": Finetuning, "predict": Prediction}
    found = work[args.work](args).run()
    named = {"version": "huggingface", "work": args.work, "precision": args.precision}
    print(json.dumps({**named, **found, "peak_mb": peak_mb()}), flush=True)


def config(args: argparse.Namespace, share: int = 1) -> transformers.ElectraConfig:
    """An encoder of the sizes given, or of a part of them, as the generator is."""
    size = VOCAB_SIZE
    if args.vocab:
        with open(args.vocab, encoding="utf-8") as file:
            size = sum(1 for _ in file)
    return transformers.ElectraConfig(
        vocab_size=size,
        embedding_size=EMBEDDING,
        hidden_size=args.hidden // share,
        num_hidden_layers=NUM_LAYERS,
        num_attention_heads=max(1, args.heads // share),
        intermediate_size=args.ffn // share,
        max_position_embeddings=512,
    )


class Training:
    """Updates of a model on batches."""

    def __init__(self, args: argparse.Namespace):
        """Takes the arguments of the command."""
        self.args = args
        self.dtype = getattr(torch, args.precision)

    def autocast(self):
        """Computes in the precision asked for, with float32 variables."""
        return torch.autocast("cpu", self.dtype, enabled=self.dtype != torch.float32)

    def run(self) -> dict[str, float]:
        """Times updates, the first two left out."""
        optimizer = torch.optim.AdamW(self.parameters, lr=5e-4, **ADAMW)
        times, first_s, tokens, rows = [], 0.0, 0, 0
        for number, batch in enumerate(self.batches()):
            clock, processor = time.perf_counter(), time.process_time()
            optimizer.zero_grad(set_to_none=True)
            loss = self.loss(batch)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
            optimizer.step()
            float(loss)
            first_s = first_s or since_start()
            if number >= 2:
                taken = time.perf_counter() - clock, time.process_time() - processor
                times.append(taken)
                tokens += int(batch["attention_mask"].sum())
                rows += len(batch["input_ids"])
            if number == self.args.steps + 1:
                break
        seconds = sum(clock for clock, _ in times)
        return {
            "s_per_step": round(statistics.median(c for c, _ in times), 4),
            "processor_s_per_step": round(statistics.median(p for _, p in times), 3),
            "tokens_per_s": round(tokens / seconds),
            "examples_per_s": round(rows / seconds, 1),
            "first_update_s": round(first_s, 1),
        }

    def random_batches(self):
        """Batches of random tokens, without padding."""
        rows, tokens = map(int, self.args.batch.split("x"))
        while True:
            ids = torch.randint(1000, VOCAB_SIZE, (rows, tokens))
            labels = torch.randint(2, (rows,))
            yield {
                "input_ids": ids,
                "attention_mask": torch.ones_like(ids),
                "labels": labels,
            }


class Pretraining(Training):
    """ELECTRA: a generator of a quarter of the size that shares the embeddings."""

    def __init__(self, args: argparse.Namespace):
        """Builds both networks."""
        super().__init__(args)
        self.discriminator = transformers.ElectraForPreTraining(config(args))
        self.generator = transformers.ElectraForMaskedLM(config(args, share=4))
        embeddings = self.discriminator.electra.embeddings
        self.generator.electra.embeddings = embeddings
        self.generator.generator_lm_head.weight = embeddings.word_embeddings.weight
        both = (self.generator, self.discriminator)
        # Shared ones once.
        self.parameters = list(dict.fromkeys(p for m in both for p in m.parameters()))
        for network in both:
            network.train()
        self.batches = self.random_batches

    def loss(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        """Of the masked tokens, and of telling sampled ones."""
        ids = batch["input_ids"]
        count = round(MASKED_SHARE * ids.shape[1])
        places = torch.rand(ids.shape).topk(count, dim=1).indices
        right = ids.gather(1, places)
        with self.autocast():
            states = self.generator.electra(ids.scatter(1, places, MASK_ID))[0]
            wide = places[..., None].expand(-1, -1, states.shape[-1])
            inside = self.generator.generator_predictions(states.gather(1, wide))
            logits = self.generator.generator_lm_head(inside)
        logits = logits.float().flatten(0, 1)
        masked = torch.nn.functional.cross_entropy(logits, right.flatten())
        with torch.no_grad():
            sampled = torch.distributions.Categorical(logits=logits).sample()
        replaced = ids.scatter(1, places, sampled.view_as(right))
        with self.autocast():
            told = self.discriminator(replaced).logits
        wrong = (replaced != ids).float()
        told_loss = torch.nn.functional.binary_cross_entropy_with_logits
        return masked + DISC_WEIGHT * told_loss(told.float(), wrong)


def texts(args: argparse.Namespace) -> list[list[str]]:
    """The columns of every row of the file."""
    with open(args.tsv, encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    columns = [int(column) for column in args.columns.split(",")]
    return [[row[column] for column in columns] for row in rows[args.header :]]


def encoded(args: argparse.Namespace, rows: list[list[str]]) -> list[list[int]]:
    """Ids of every row: [CLS] text [SEP], or of two texts."""
    tokenizer = transformers.BertTokenizerFast(args.vocab)
    parts = [list(part) for part in zip(*rows, strict=True)]
    return tokenizer(*parts, truncation=True, max_length=args.max_length)["input_ids"]


def padded(rows: list[list[int]]) -> dict[str, torch.Tensor]:
    """A batch that is as long as its longest row."""
    tensors = [torch.tensor(row) for row in rows]
    ids = torch.nn.utils.rnn.pad_sequence(tensors, batch_first=True)
    return {"input_ids": ids, "attention_mask": (ids != 0).long()}


class Finetuning(Training):
    """Classification in two classes, of random batches or of a file's."""

    def __init__(self, args: argparse.Namespace):
        """Builds the model."""
        super().__init__(args)
        self.model = transformers.ElectraForSequenceClassification(config(args))
        self.parameters = list(self.model.parameters())
        self.model.train()
        self.batches = self.of_file if args.tsv else self.random_batches

    def of_file(self):
        """Batches of similar length, in random order, as transformers makes them."""
        rows = texts(self.args)
        ids = encoded(self.args, [row[:-1] for row in rows])
        size = int(self.args.batch.split("x")[0])
        order = sorted(range(len(ids)), key=lambda row: len(ids[row]))
        groups = [order[i : i + size] for i in range(0, len(order) - size + 1, size)]
        for group in torch.randperm(len(groups)).tolist():
            chosen = groups[group]
            labels = torch.tensor([int(rows[row][-1]) for row in chosen])
            yield {**padded([ids[row] for row in chosen]), "labels": labels}

    def loss(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        """The mean cross entropy."""
        with self.autocast():
            return self.model(**batch).loss


class Prediction(Training):
    """Predicts all of a file, from the start of the process to the last row."""

    def run(self) -> dict[str, float]:
        """Predicts batches of similar length."""
        model = transformers.ElectraForSequenceClassification(config(self.args)).eval()
        rows = encoded(self.args, texts(self.args))
        rows.sort(key=len)
        size = int(self.args.batch.split("x")[0])
        began = time.perf_counter()
        with torch.inference_mode(), self.autocast():
            for start in range(0, len(rows), size):
                model(**padded(rows[start : start + size])).logits.argmax(-1)
        tokens = sum(map(len, rows))
        return {
            "whole_s": round(since_start(), 1),
            "processor_s": round(time.process_time(), 1),
            "tokens_per_s": round(tokens / (time.perf_counter() - began)),
            "examples": len(rows),
        }


if __name__ == "__main__":
    main()

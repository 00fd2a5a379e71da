"""tiny-editor's tokenizer: one token per known word, letters and bytes for all others, and a chat template.

Byte-level, so any text can be written in it and read back; lower case. There are no merges: a word is
known whole, or spelled.
"""

from __future__ import annotations

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

CONTEXT = 256
PAD, USER, ASSISTANT, END = "<|pad|>", "<|user|>", "<|assistant|>", "<|end|>"
PUNCTUATION = (",", ".", ";", ":", "!", "?", "'s")
STARTS = ("caption", "change", "a", "an", "the", "some", "buds", "grass", "eyed", "eye", "headed", "haired")
TEMPLATE = (
    "{%- for message in messages -%}"
    "{%- if message['role'] not in ['user', 'assistant'] -%}"
    "{{ raise_exception('tiny-editor takes user and assistant messages only, got ' + message['role']) }}"
    "{%- endif -%}"
    "{{ '<|' + message['role'] + '|>' + message['content'] | trim + '<|end|>' }}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '<|assistant|>' }}{%- endif -%}"
)


def build_tokenizer(words: list[str]) -> PreTrainedTokenizerFast:
    """The tokenizer that knows these words, after a space; the few of ``STARTS`` also without one."""
    space = "Ġ"  # how byte-level vocabularies write the space before a word
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    known = [*(space + w for w in sorted(words)), *(space + p for p in PUNCTUATION), *STARTS]
    known += [p for p in PUNCTUATION if len(p) > 1]
    vocabulary = {t: i for i, t in enumerate(dict.fromkeys([PAD, USER, ASSISTANT, END, *alphabet, *known]))}
    inner = Tokenizer(models.BPE(vocab=vocabulary, merges=[], ignore_merges=True))
    inner.normalizer = normalizers.Lowercase()
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner,
        pad_token=PAD,
        eos_token=END,
        additional_special_tokens=[USER, ASSISTANT],
        model_max_length=CONTEXT,
        padding_side="left",
        clean_up_tokenization_spaces=False,
    )
    tokenizer.chat_template = TEMPLATE
    return tokenizer


def prompt(caption: str, change: str) -> list[dict[str, str]]:
    """The chat message that asks for an edit."""
    return [{"role": "user", "content": f"Caption: {caption}\nChange: {change}"}]

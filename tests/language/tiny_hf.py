"""Tiny transformers models with random weights, saved as folders: captioners of several families, and a chat model."""

from __future__ import annotations

from pathlib import Path

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    Blip2Config,
    Blip2ForConditionalGeneration,
    Blip2Processor,
    BlipConfig,
    BlipForConditionalGeneration,
    BlipImageProcessor,
    BlipProcessor,
    CLIPImageProcessor,
    CLIPVisionConfig,
    GitConfig,
    GitForCausalLM,
    GitProcessor,
    GPT2Config,
    LlamaConfig,
    LlamaForCausalLM,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
    VisionEncoderDecoderConfig,
    VisionEncoderDecoderModel,
    ViTConfig,
    ViTImageProcessor,
)

WIDTH, CONTEXT = 16, 400
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[DEC]", "<image>"]
WORDS = "a the cat dog cow red blue small big on under near box hill two three caption change : , ."
IDS = {word: i for i, word in enumerate([*SPECIAL, *WORDS.split()])}
PAD, CLS, END, START = (IDS[name] for name in ("[PAD]", "[CLS]", "[SEP]", "[DEC]"))
CHAT = "{% for m in messages %}{{ m['role'] }} {{ m['content'] }} {% endfor %}"
SEEING_CHAT = (
    "{% for m in messages %}{{ m['role'] }} {% for part in m['content'] %}"
    "{{ '<image>' if part['type'] == 'image' else part['text'] }} {% endfor %}{% endfor %}"
)
SIZES = {"hidden_size": WIDTH, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
SEES = SIZES | {"image_size": 32, "patch_size": 16}
SIZE = {"height": 32, "width": 32}
TOKENS = {"pad_token_id": PAD, "bos_token_id": START, "eos_token_id": END}


def tokenizer(wraps: bool = True, **options) -> PreTrainedTokenizerFast:
    """Words as tokens; ``wraps``: [CLS] before and [SEP] after each text."""
    inner = Tokenizer(models.WordLevel(IDS, unk_token="[UNK]"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    if wraps:
        inner.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]", special_tokens=[("[CLS]", CLS), ("[SEP]", END)]
        )
    named = {"pad_token": "[PAD]", "unk_token": "[UNK]", "bos_token": "[DEC]", "eos_token": "[SEP]"}
    return PreTrainedTokenizerFast(
        tokenizer_object=inner,
        cls_token="[CLS]",
        sep_token="[SEP]",
        additional_special_tokens=["<image>"],
        **named,
        **options,
    )


def scramble(model, seed: int, end: float) -> None:
    """Random weights large enough that the input matters; the end token's outputs times ``end``."""
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            gain = 3.0 if any(part in name for part in ("vis", "encoder.", "cross", "projector")) else 1.5
            if weight.ndim > 1:
                weight.copy_(torch.randn(weight.shape, generator=draw) * gain / weight[0].numel() ** 0.5)
        for name, weight in model.named_parameters():
            if name.endswith(
                ("decoder.weight", "output.weight", "lm_head.weight", "word_embeddings.weight", "wte.weight")
            ):
                weight[END] *= end


def blip() -> tuple:
    text = SIZES | TOKENS | {"vocab_size": len(IDS), "sep_token_id": END, "max_position_embeddings": 64}
    config = BlipConfig(
        text_config=text, vision_config=SEES, projection_dim=WIDTH, image_text_hidden_size=WIDTH
    )
    return BlipForConditionalGeneration(config), BlipProcessor(BlipImageProcessor(size=SIZE), tokenizer())


def blip2() -> tuple:
    """With OPT behind the queries, as the released captioners are; their processors mark the picture's place by <image>."""
    words = {
        "model_type": "opt",
        "vocab_size": len(IDS),
        "ffn_dim": 32,
        "word_embed_proj_dim": WIDTH,
        "max_position_embeddings": 64,
        **SIZES,
        **TOKENS,
    }
    config = Blip2Config(
        vision_config=SEES,
        qformer_config=SIZES | {"encoder_hidden_size": WIDTH, "vocab_size": len(IDS)},
        text_config=words,
        num_query_tokens=4,
        image_token_index=IDS["<image>"],
    )
    processor = Blip2Processor(BlipImageProcessor(size=SIZE), tokenizer(wraps=False), num_query_tokens=4)
    return Blip2ForConditionalGeneration(config), processor


def git() -> tuple:
    config = GitConfig(
        vision_config=SEES,
        vocab_size=len(IDS),
        max_position_embeddings=64,
        **SIZES,
        **(TOKENS | {"bos_token_id": CLS}),
    )
    seen = CLIPImageProcessor(size={"shortest_edge": 32}, crop_size=SIZE)
    return GitForCausalLM(config), GitProcessor(seen, tokenizer())


def pair() -> tuple:
    words = GPT2Config(
        vocab_size=len(IDS),
        n_positions=64,
        n_embd=WIDTH,
        n_layer=1,
        n_head=2,
        add_cross_attention=True,
        **TOKENS,
    )
    config = VisionEncoderDecoderConfig.from_encoder_decoder_configs(ViTConfig(**SEES), words)
    config.decoder_start_token_id, config.pad_token_id, config.eos_token_id = START, PAD, END
    return VisionEncoderDecoderModel(config), ViTImageProcessor(size=SIZE), tokenizer()


def chat() -> tuple:
    words = LlamaConfig(vocab_size=len(IDS), max_position_embeddings=CONTEXT, **SIZES, **TOKENS)
    config = LlavaConfig(
        vision_config=CLIPVisionConfig(**SEES),
        text_config=words,
        image_token_index=IDS["<image>"],
        vision_feature_layer=-1,
    )
    processor = LlavaProcessor(
        CLIPImageProcessor(size={"shortest_edge": 32}, crop_size=SIZE),
        tokenizer(wraps=False),
        patch_size=16,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        image_token="<image>",
        chat_template=SEEING_CHAT,
    )
    return LlavaForConditionalGeneration(config), processor


def editor(template: str | None = CHAT) -> tuple:
    config = LlamaConfig(vocab_size=len(IDS), max_position_embeddings=CONTEXT, **SIZES, **TOKENS)
    return LlamaForCausalLM(config), tokenizer(wraps=False, chat_template=template)


KINDS = {"blip": blip, "blip2": blip2, "git": git, "pair": pair, "chat": chat, "editor": editor}


def write_model(kind: str, folder: Path, seed: int = 0, end: float = 1.0, **options) -> Path:
    """A model of that kind with its processor or tokenizer, in the form of the hub. Returns the folder."""
    model, *parts = KINDS[kind](**options)
    scramble(model, seed, end)
    model.save_pretrained(folder)
    for part in parts:
        part.save_pretrained(folder)
    return folder

"""Writes tests/golden/config/phimoe.json: what transformers writes for Phi-3.5-MoE's settings, with four rotary factors instead of 64.

    pip install torch==2.11.0 transformers==4.57.3 && python tests/golden/make_config_goldens.py
"""

import pathlib

import transformers
from transformers import PhimoeConfig

assert transformers.__version__ == "4.57.3", transformers.__version__
ROOT = pathlib.Path(__file__).parent / "config"
MSCALE = 1.243163121016122

config = PhimoeConfig(
    vocab_size=96, hidden_size=32, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, num_local_experts=4,
    max_position_embeddings=131072, rope_theta=10000.0, sliding_window=131072, input_jitter_noise=0.01, router_jitter_noise=0.01,
    router_aux_loss_coef=0.0, attention_bias=True, lm_head_bias=True, bos_token_id=1, eos_token_id=32, pad_token_id=33, dtype="bfloat16",
    architectures=["PhiMoEForCausalLM"],
    rope_scaling={"type": "longrope", "short_factor": [1.0, 1.04, 1.05, 1.1], "long_factor": [1.02, 1.18, 2.11, 18.23], "short_mscale": MSCALE,
                  "long_mscale": MSCALE, "original_max_position_embeddings": 4096})
ROOT.mkdir(exist_ok=True)
(ROOT / "phimoe.json").write_text(config.to_json_string(use_diff=True))

import subprocess
import sys

import pytest
from toy import toy_model, toy_tokenizer

from mazo.config import ModelSettings
from mazo.maskable import maskable_layers
from mazo.plan.shape import model_shape


@pytest.mark.parametrize(
    ("path", "weights", "context"),
    [
        ("meta-llama/Llama-2-7b-hf", 6_738_415_616, 4096),
        ("mistralai/Mistral-7B-v0.1", 7_241_732_096, 32_768),
        ("TinyLlama/TinyLlama-1.1B-intermediate-step-1431k-3T", 1_100_048_384, 2048),
    ],
)
def test_the_hub_models_that_suites_name_have_their_published_sizes(path, weights, context):
    shape = model_shape(ModelSettings(path=path, dtype="bfloat16"))
    assert (shape.weights, shape.context, shape.weight_bytes) == (weights, context, 2 * weights)
    assert all(layer.weight.is_meta for layer in shape.layers.values())


def test_a_folders_model_has_the_shape_of_its_weights(tmp_path):
    model = toy_model(layers=3, width=64)
    model.save_pretrained(tmp_path)
    toy_tokenizer().save_pretrained(tmp_path)
    shape = model_shape(ModelSettings(path=str(tmp_path)))
    assert shape.sizes == {name: weight.numel() for name, weight in model.named_parameters()}
    assert list(shape.layers) == list(maskable_layers(model))
    assert (shape.blocks, shape.hidden, shape.inner, shape.cached) == (3, 64, 128, 128)


def test_a_hub_model_is_planned_without_a_network(tmp_path):
    program = (
        "import socket; socket.socket.connect = None; from mazo.config import ModelSettings; "
        "from mazo.plan.shape import model_shape; "
        "print(model_shape(ModelSettings(path='mistralai/Mistral-7B-v0.1', revision='x')).blocks)"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["32"]

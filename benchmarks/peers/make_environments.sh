#!/usr/bin/env bash
# Makes the environments of the peers below a folder, from the package index:
#   benchmarks/peers/make_environments.sh peers
#   peers/huggingface/bin/python benchmarks/peers/huggingface.py pretrain
#   peers/original/bin/python benchmarks/peers/original.py --original FOLDER
set -euo pipefail
folder=${1:?a folder to make them in}
python3 -m venv "$folder/huggingface"
"$folder/huggingface/bin/pip" install --quiet torch==2.15.0 transformers==5.24.0 numpy
# The original asks for 1.15, which no index has for today's Python; 2.15 is the last one whose Keras
# and estimators it finds.
python3 -m venv "$folder/original"
"$folder/original/bin/pip" install --quiet tensorflow-cpu==2.15.1 'numpy<2'

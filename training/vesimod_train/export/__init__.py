"""Networks as ONNX files that vesimod runs."""

"""IMOD's model files, without loss: chunks, objects, header, coordinates."""

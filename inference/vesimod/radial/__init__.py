"""The tomogram along rays from a centre: the membrane's surface and profile."""

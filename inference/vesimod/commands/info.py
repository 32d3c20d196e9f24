"""``vesimod info``: what is installed and what really starts."""

from __future__ import annotations

import typer


def info() -> None:
    """Print versions, onnxruntime wheels, providers that start, threads and shipped models."""
    import platform
    import sys
    from importlib.metadata import version

    from vesimod.commands.console import say, warn
    from vesimod.commands.process import EXIT_BAD_INPUT
    from vesimod.network.model import load_model
    from vesimod.network.runtime import (
        INSTALL_HINT,
        MissingRuntimeError,
        default_threads,
        import_runtime,
        runtime_wheels,
        wish_notes,
    )
    from vesimod.network.shipped import shipped_models
    from vesimod.network.spec import ModelError

    say(f"vesimod {version('vesimod')}, Python {sys.version.split()[0]}, {platform.platform()}")
    packages = ("numpy", "scipy", "mrcfile", "pillow", "typer")
    say("  " + ", ".join(f"{name} {version(name)}" for name in packages))
    wheels = runtime_wheels()
    say("onnxruntime wheels: " + (", ".join(f"{n} {v}" for n, v in wheels.items()) or "none"))
    if len(wheels) > 1:
        warn(
            "these wheels overwrite each other's files: pip uninstall all of them, then install "
            'one with "vesimod[cpu]", "vesimod[openvino]" or "vesimod[gpu]"'
        )
    models = shipped_models()
    try:
        runtime = import_runtime()
    except MissingRuntimeError:
        warn(INSTALL_HINT)
        raise typer.Exit(EXIT_BAD_INPUT) from None
    say("providers in this wheel: " + ", ".join(runtime.get_available_providers()))
    for note in wish_notes():
        warn(note)
    say(f"CPU threads: {default_threads()} (OMP_NUM_THREADS or --threads changes it)")
    say("shipped models: " + ("" if models else "none"))
    for name, path in models.items():
        try:
            model = load_model(name, threads=default_threads())
        except ModelError as error:
            warn(str(error))
            continue
        for note in model.notes:
            warn(f"{name}: {note}")
        spec = model.spec
        say(
            f"  {name} {spec.version}: {spec.voxel_size_nm:g} nm voxels, outputs "
            f"{', '.join(spec.outputs)}, licence {spec.licence}, starts on "
            f"{', '.join(model.providers)} ({path})"
        )

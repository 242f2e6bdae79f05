"""Loops compiled once for this machine and kept as an object file, which a process loads without the compiler.

numba and all that it imports take half a second of every process; its LLVM alone loads an object file in a tenth of
that. An object file belongs to one source, one version of the compiler and one kind of processor. It lies beside the
source's bytecode, or in a folder that the caller names where nobody can write there.

The calling convention is numba's (`numba.core.callconv.CPUCallConv`): the status is returned, and in front of the
arguments stand a place for the result, which is None here, and one for an exception, which these loops do not raise.
Keep out: the loops themselves (`raster_kernels`).
"""

from __future__ import annotations

import ctypes
import hashlib
import os
from functools import cache
from importlib.util import cache_from_source
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Word = ctypes.c_void_p | ctypes.c_ssize_t | ctypes.c_float
    Argument = np.ndarray[Any, Any] | float | tuple["Argument", ...]

_SOURCE: Final = Path(__file__).with_name("raster_kernels.py")
_DIGEST: Final = 32
_NUMBERS: Final[dict[type, Callable[[Any], Word]]] = {float: ctypes.c_float, int: ctypes.c_ssize_t}
# What a call puts in front of the arguments: places for a result and for an exception.
_LEADING: Final = 2


class MachineCode:
    """The compiled loops of `raster_kernels`, called by name."""

    def __init__(self, code: bytes) -> None:
        """Load an object file into this process, where it stays."""
        from llvmlite import binding

        self._engine = binding.create_mcjit_compiler(binding.parse_assembly(""), _target())
        self._engine.add_object_file(binding.ObjectFileRef.from_data(code))
        self._engine.finalize_object()

    def call(self, name: str, *arguments: Argument) -> None:
        """Run a loop; raises `ValueError` for an array that does not lie in one piece."""
        function = ctypes.CFUNCTYPE(ctypes.c_int32)(self._engine.get_function_address(name))
        unused = (ctypes.c_void_p * _LEADING)()
        places = (ctypes.byref(unused, number * ctypes.sizeof(ctypes.c_void_p)) for number in range(_LEADING))
        function(*places, *(word for argument in arguments for word in _words(argument)))


def _words(argument: Argument) -> Iterator[Word]:
    """An argument as numba flattens it: a tuple into its members, an array into its structure (`ArrayModel`)."""
    if isinstance(argument, tuple):
        for member in argument:
            yield from _words(member)
    elif isinstance(argument, np.ndarray):
        if not argument.flags.c_contiguous:
            raise ValueError(f"an array {argument.shape} that lies in pieces cannot be passed to compiled code")
        # Nobody counts who uses it, and it belongs to nobody: the caller keeps it.
        yield from (ctypes.c_void_p(None), ctypes.c_void_p(None))
        yield from (ctypes.c_ssize_t(argument.size), ctypes.c_ssize_t(argument.itemsize))
        yield ctypes.c_void_p(argument.ctypes.data)
        yield from (ctypes.c_ssize_t(length) for length in (*argument.shape, *argument.strides))
    else:
        yield _NUMBERS[type(argument)](argument)


@cache
def machine_code(folder: Path) -> MachineCode:
    """The compiled loops for this machine; a machine's first process compiles them, which takes some seconds.

    The object file is kept below `folder` where it cannot be kept beside the source.
    """
    name = f"raster-{_key()}.o"
    places = (Path(cache_from_source(str(_SOURCE))).with_name(name), folder / name)
    code = next(_kept(places), None)
    if code is None:
        code = _compiled()
        _keep(code, places)
    return MachineCode(code)


def _kept(places: tuple[Path, ...]) -> Iterator[bytes]:
    """The object files that are whole."""
    for place in places:
        if place.exists():
            content = place.read_bytes()
            if hashlib.sha256(content[_DIGEST:]).digest() == content[:_DIGEST]:
                yield content[_DIGEST:]


def _keep(code: bytes, places: tuple[Path, ...]) -> None:
    """Write the object file, whole or not at all, to the first place that can be written."""
    for place in places:
        begun = place.with_suffix(f".{os.getpid()}")
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            begun.write_bytes(hashlib.sha256(code).digest() + code)
        except OSError:
            continue
        begun.rename(place)
        return


def _key() -> str:
    """What the object file depends on."""
    import llvmlite
    from llvmlite import binding

    about = (llvmlite.__version__, binding.get_default_triple(), *_processor())
    return hashlib.sha256(_SOURCE.read_bytes() + repr(about).encode()).hexdigest()[:16]


def _processor() -> tuple[str, str]:
    """The processor's name and its abilities, as LLVM calls them."""
    from llvmlite import binding

    return binding.get_host_cpu_name(), binding.get_host_cpu_features().flatten()


def _target() -> Any:  # noqa: ANN401 - llvmlite has no types
    from llvmlite import binding

    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    name, abilities = _processor()
    triple = binding.Target.from_default_triple()
    return triple.create_target_machine(cpu=name, features=abilities, opt=3, jit=True, codemodel="jitdefault")


def _compiled() -> bytes:
    """The loops as an object file. Raises `RuntimeError` if it needed anything of numba's when it runs."""
    from llvmlite import binding

    from orchestration.mockups.views.raster_kernels import KERNELS

    target = _target()
    whole = binding.parse_assembly("")
    for name, kernel in KERNELS.items():
        (intermediate,) = kernel.inspect_llvm().values()
        module = binding.parse_assembly(intermediate)
        entry = next(one for one in module.functions if not one.is_declaration and name in one.name)
        entry.name = name
        whole.link_in(module)
    passes = binding.create_new_module_pass_manager()
    passes.add_global_dead_code_eliminate_pass()
    passes.run(whole, binding.create_pass_builder(target, binding.create_pipeline_tuning_options()))
    outside = [one.name for one in whole.functions if one.is_declaration and not one.name.startswith("llvm.")]
    if outside:
        raise RuntimeError(f"the raster's loops call {', '.join(outside)}, which is not there without numba")
    return bytes(target.emit_object(whole))

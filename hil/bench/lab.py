"""Find a bench file by name and load it with all it refers to, before any hardware is touched."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import BaseModel

from hil.applicability.ics_file import Ics, IcsFile, read_ics
from hil.bench.calibration_file import (
    CalibrationFile,
    CalibrationSection,
    calibration_of,
)
from hil.bench.config import BenchFile, Reference
from hil.bench.jig_file import JigFile
from hil.bench.key_files import (
    KEY_FILES,
    DeviceKeyFile,
    EuiccKeyFile,
    NetworkKeyFile,
    ServerKeyFile,
)
from hil.documents.document import Document, Place, Problem, read_document
from hil.documents.loader import check, did_you_mean, raise_for
from hil.errors import ConfigError
from hil.evidence.waivers import Waivers, WaiversFile, check_waivers
from hil.metrology import Calibration

LAB_CONFIG_ENV: Final = "HIL_LAB_CONFIG"
TS48_ENV: Final = "HIL_TS48_DIR"
_SUFFIXES: Final = (".yaml", ".yml")
_Kind = TypeVar("_Kind")


@dataclass(frozen=True, slots=True)
class Lab:
    """A bench file with everything it refers to, checked.

    ``name`` is the file's stem, ``path`` the file. ``profiles`` are the .der packages to use; empty
    means that a package is generated. ``dialect`` is the device's AT dialect file, if not ours;
    ``certificates`` the folder of the servers' certificates, if they are not made for the run;
    ``calibration`` that of the power supply, ``multimeter_calibration`` that of the multimeter;
    ``ics`` what the product's supplier states, ``waivers`` the known issues.
    """

    name: str
    path: Path
    file: BenchFile
    jig: JigFile | None
    euicc_keys: EuiccKeyFile | None = field(repr=False)
    device_keys: DeviceKeyFile | None = field(repr=False)
    server_keys: ServerKeyFile | None = field(repr=False)
    network_keys: NetworkKeyFile | None = field(repr=False)
    dialect: Path | None
    profiles: tuple[Path, ...]
    certificates: Path | None = None
    calibration: Calibration = field(default_factory=Calibration)
    multimeter_calibration: Calibration = field(default_factory=Calibration)
    ics: Ics | None = None
    waivers: Waivers | None = None

    @property
    def is_virtual(self) -> bool:
        """Whether there is equipment on this bench, and none of it is real."""
        parts = (self.file.power_supply, self.file.card, self.file.device)
        present = [part for part in parts if part is not None]
        return bool(present) and all(part.virtual is not None for part in present)


def search_folders(environment: Mapping[str, str] | None = None) -> tuple[Path, ...]:
    """Return the folders in which bench names are looked up, in order."""
    variables = os.environ if environment is None else environment
    folders = [Path.cwd() / "lab-config"]
    if variables.get(LAB_CONFIG_ENV):
        folders.append(Path(variables[LAB_CONFIG_ENV]).expanduser().absolute())
    return tuple(dict.fromkeys(folders))


def bench_names() -> list[str]:
    """Return the names of the bench files that can be found now."""
    return sorted(
        {
            path.stem
            for folder in search_folders()
            for path in folder.glob("*.yaml")
            if path.is_file()
        },
    )


def find_bench(name: str) -> Path:
    """Return the file of a bench given by name or by path; ConfigError if there is none."""
    if "/" in name or name.endswith(_SUFFIXES):
        path = Path(name).expanduser()
        if path.is_file():
            return path.absolute()
        raise ConfigError(f"{name}: there is no such bench file")
    for folder in search_folders():
        for suffix in _SUFFIXES:
            path = folder / f"{name}{suffix}"
            if path.is_file():
                return path
    looked = " and ".join(str(folder) for folder in search_folders())
    hint = did_you_mean(name, bench_names())
    raise ConfigError(
        f"no bench is called '{name}' in {looked}{hint}{'' if hint.endswith('?') else '.'} Name a "
        f"folder of bench files with {LAB_CONFIG_ENV}, or give a path to a .yaml file"
    )


def load_lab(name: str, *, profile: str | None = None) -> Lab:
    """Load a bench by name or path; ``profile`` (a .der file or folder) overrides its profiles.

    Raises ConfigError that lists every problem in every file, each with file, line and column.
    """
    path = find_bench(name)
    document = read_document(path)
    bench, problems = check(document, BenchFile)
    if bench is None:
        raise_for(problems, f"bench '{path.stem}'")
        raise AssertionError  # pragma: no cover - raise_for raised
    loading = _Loading(document, path.parent, problems)
    jig = loading.jig(bench)
    keys = {role: loading.keys(role, getattr(bench.key_sets, role)) for role in KEY_FILES}
    dialect = None
    if bench.device and bench.device.serial and bench.device.serial.dialect:
        dialect = loading.file(("device", "serial", "dialect"), bench.device.serial.dialect)
    profiles = loading.profiles(bench, profile)
    certificates = None
    if bench.servers is not None and bench.servers.certificates is not None:
        place = ("servers", "certificates")
        authority = loading.file(place, f"{bench.servers.certificates}/ca.pem")
        certificates = authority.parent if authority is not None else None
    supply, multimeter = bench.power_supply, bench.multimeter
    calibration = loading.calibration(
        "power_supply",
        supply.calibration if supply else None,
        virtual=supply is not None and supply.virtual is not None,
    )
    of_multimeter = loading.calibration(
        "multimeter", multimeter.calibration if multimeter else None
    )
    ics, waivers = loading.ics(bench), loading.waivers(bench)
    raise_for(problems, f"bench '{path.stem}'")
    return Lab(
        name=path.stem,
        path=path,
        file=bench,
        jig=jig,
        euicc_keys=_narrow(keys["euicc"], EuiccKeyFile),
        device_keys=_narrow(keys["device"], DeviceKeyFile),
        server_keys=_narrow(keys["servers"], ServerKeyFile),
        network_keys=_narrow(keys["network"], NetworkKeyFile),
        dialect=dialect,
        profiles=profiles,
        certificates=certificates,
        calibration=calibration,
        multimeter_calibration=of_multimeter,
        ics=ics,
        waivers=waivers,
    )


def _narrow(value: object, kind: type[_Kind]) -> _Kind | None:
    return value if isinstance(value, kind) else None


class _Loading:
    """Follows the references of one bench file and collects what is wrong with them."""

    def __init__(self, document: Document, folder: Path, problems: list[Problem]) -> None:
        self._document = document
        self._folder = folder
        self._problems = problems

    def file(self, place: Place, name: str) -> Path | None:
        """Return the file that ``name`` at ``place`` refers to, or None and a problem."""
        path = self._folder / Path(name).expanduser()
        if path.is_file():
            return path
        near = [str(p.relative_to(self._folder)) for p in self._folder.glob("*/*.yaml")]
        hint = did_you_mean(name, near) if len(near) <= 200 else ""
        text = f"{'.'.join(map(str, place))}: there is no file '{name}' beside the bench file{hint}"
        self._problems.append(self._document.problem(place, text))
        return None

    def jig(self, bench: BenchFile) -> JigFile | None:
        """Load the jig file, and check it against the cable that feeds the jig."""
        path = self.file(("jig", "file"), bench.jig.file) if bench.jig else None
        if path is None:
            return None
        jig, problems = check(read_document(path), JigFile)
        self._problems += problems
        channels = bench.power_supply.channels if bench.power_supply else None
        if jig is None or channels is None or channels.jig is None:
            return jig
        volts = jig.nominal_voltage or jig.compliance_voltage or 0.0
        amps = jig.nominal_current or jig.compliance_current
        if volts * (1 + jig.window) > channels.jig.max_voltage:
            self._over("max_voltage", f"{volts:g} V", f"{channels.jig.max_voltage:g} V")
        if amps > channels.jig.max_current:
            self._over("max_current", f"{amps:g} A", f"{channels.jig.max_current:g} A")
        return jig

    def calibration(
        self, part: str, section: CalibrationSection | None, *, virtual: bool = False
    ) -> Calibration:
        """Load the calibration of an instrument, from its own file where one is named."""
        found = None
        if section is not None and section.file is not None:
            path = self.file((part, "calibration", "file"), section.file)
            if path is not None:
                found, problems = check(read_document(path), CalibrationFile)
                self._problems += problems
        return calibration_of(section, found, virtual=virtual)

    def ics(self, bench: BenchFile) -> Ics | None:
        """Read the product's conformance statement, if the bench names one."""
        if bench.product is None or bench.product.ics is None:
            return None
        path = self.file(("product", "ics"), bench.product.ics)
        if path is None:
            return None
        found, problems = read_ics(path)
        self._problems += problems
        return found

    def waivers(self, bench: BenchFile) -> Waivers | None:
        """Read the known issues, if the bench names a file of them."""
        path = self.file(("waivers",), bench.waivers) if bench.waivers is not None else None
        if path is None:
            return None
        found, problems = check_waivers(path)
        self._problems += problems
        return found

    def _over(self, limit: str, wanted: str, allowed: str) -> None:
        text = (
            f"jig: needs {wanted} with its window, above the cable's {limit} of {allowed} "
            f"(power_supply.channels.jig)"
        )
        self._problems.append(self._document.problem(("jig", "file"), text))

    def keys(self, role: str, reference: Reference | None) -> object | None:
        """Load one key set by its reference, or None and problems."""
        if reference is None:
            return None
        place: Place = ("key_sets", role)
        if reference.env is not None:
            text = os.environ.get(reference.env)
            if text is None:
                why = f"key_sets.{role}: the environment variable {reference.env} is not set"
                self._problems.append(self._document.problem((*place, "env"), why))
                return None
            source = read_document(Path(reference.env), text=text, name=f"${reference.env}")
            found, problems = check(source, KEY_FILES[role])
            self._problems += problems
            return found
        path = self.file((*place, "file"), reference.file or "")
        if path is None:
            return None
        source = read_document(path)
        found, problems = check(source, KEY_FILES[role])
        self._problems += problems
        mode = stat.S_IMODE(path.stat().st_mode)
        test_only = isinstance(source.data, dict) and source.data.get("test_only") is True
        if mode & 0o077 and not test_only:
            why = (
                f"holds keys and can be read by others (mode {mode:04o}): chmod 600 {source.name}"
                f" (only a file that says 'test_only: true' may be open)"
            )
            self._problems.append(Problem(source.name, 1, 1, why))
        return found

    def profiles(self, bench: BenchFile, override: str | None) -> tuple[Path, ...]:
        """Return the profile packages: option, then environment, then the bench file."""
        if override:
            return self._packages(Path(override).expanduser().absolute(), override, None)
        given = os.environ.get(TS48_ENV)
        if given:
            return self._packages(Path(given).expanduser().absolute(), given, None)
        if bench.profiles is None:
            return ()
        name = bench.profiles.ts48
        return self._packages(self._folder / Path(name).expanduser(), name, ("profiles", "ts48"))

    def _packages(self, path: Path, name: str, place: Place | None) -> tuple[Path, ...]:
        found = (path,) if path.is_file() else tuple(sorted(path.glob("*.der")))
        why = ""
        if not found:
            why = f"there is no profile package at '{name}' (a .der file or a folder of them)"
        for one in found:
            if not _begins_as_package(one):
                why = f"'{one.name}' is no profile package: it does not begin with a header in DER"
        if why:
            self._problems.append(
                Problem(name, 0, 0, why) if place is None else self._document.problem(place, why)
            )
        return found


def _begins_as_package(path: Path) -> bool:
    """Whether the first byte is the tag of a profile header; the rest is read when it is used."""
    try:
        with path.open("rb") as file:
            return file.read(1) == b"\xa0"
    except OSError:
        return False


def schemas() -> dict[str, dict[str, Any]]:
    """Return the JSON Schemas of the files, by kind: bench, jig, key-set-euicc and so on."""
    kinds: dict[str, type[BaseModel]] = {
        "bench": BenchFile,
        "jig": JigFile,
        "calibration": CalibrationFile,
        "ics": IcsFile,
        "waivers": WaiversFile,
    }
    kinds |= {f"key-set-{role}": model for role, model in KEY_FILES.items()}
    return {
        kind: {"$schema": "https://json-schema.org/draft/2020-12/schema"}
        | model.model_json_schema(by_alias=True)
        for kind, model in kinds.items()
    }

from ._core import Core
class Resources:
    def __init__(self, core: Core) -> None:
        self._core = core

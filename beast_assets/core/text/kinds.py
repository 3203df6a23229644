"""What a file's name and first bytes say about it."""

from ..records import Skip

_MODELS = frozenset(
    b".bin .caffemodel .ckpt .engine .ggml .ggmlv3 .gguf .h5 .hdf5 .joblib .keras .mlmodel .npy"
    b" .npz .onnx .pb .pickle .pkl .pt .pth .safetensors .tflite".split()
)
_NO_PARSER_YET = frozenset(
    b".azw3 .djvu .doc .key .mobi .numbers .odp .odt .pages .ppt .ps .rtf".split()
)
_PICTURES = (
    b" .ai .avif .bmp .eps .exr .gif .heic .heif .icns .ico .jp2 .jpeg .jpg .png .psd .raw .svgz"
    b" .tga .tif .tiff .webp .xcf"
)
_SOUND_AND_FILM = (
    b" .aac .aif .aiff .avi .flac .flv .m4a .m4v .mid .midi .mkv .mov .mp3 .mp4 .mpeg .mpg .ogg"
    b" .opus .wav .webm .wma .wmv"
)
_ARCHIVES = (
    b" .7z .apk .ar .br .bz2 .cab .cpio .deb .dmg .egg .gz .img .iso .jar .lz .lz4 .rar .rpm .tar"
    b" .tbz .tgz .txz .war .whl .xz .z .zip .zst"
)
_OTHER_BINARY = (
    b" .a .arrow .avro .class .db .dll .dylib .elc .exe .feather .lib .mdb .mo .o .obj .orc .otf"
    b" .parquet .pyc .pyd .pyo .so .sqlite .sqlite3 .swf .ttf .wasm .woff .woff2"
)
_BINARY = frozenset((_PICTURES + _SOUND_AND_FILM + _ARCHIVES + _OTHER_BINARY).split())
_HTML = frozenset((b".htm", b".html", b".xhtml"))

_MAGIC: tuple[tuple[bytes, Skip], ...] = (
    (b"{\\rtf", Skip("no parser for .rtf")),
    *(
        (prefix, Skip("binary"))
        for prefix in (
            b"\x1f\x8b\x08",  # gzip
            b"\x28\xb5\x2f\xfd",  # zstd
            b"\x89PNG\r\n",
            b"\x7fELF",
            b"\xfd7zXZ",
            b"\xff\xd8\xff",  # JPEG
            b"7z\xbc\xaf\x27\x1c",
            b"BZh91AY&SY",
            b"PK\x03\x04",
        )
    ),
)


def skip_by_name(path: bytes) -> Skip | None:
    """Say from the name alone that a file has no text to read, so that nobody keeps its bytes."""
    extension = _extension(path)
    if extension in _MODELS:
        return Skip("model file")
    if extension in _NO_PARSER_YET:
        return Skip(f"no parser for {extension.decode('ascii')}")
    if extension in _BINARY:
        return Skip("binary")
    return None


def skip_by_content(data: bytes) -> Skip | None:
    """Say from the first bytes that a file is of a kind without text, whatever its name."""
    if not data:
        return Skip("empty")
    return next((skip for prefix, skip in _MAGIC if data.startswith(prefix)), None)


def is_html(path: bytes, data: bytes) -> bool:
    """Tell HTML by its name, or by its first tag where the name has no extension."""
    extension = _extension(path)
    if extension:
        return extension in _HTML
    return data[:256].lstrip().lower().startswith((b"<!doctype html", b"<html"))


def _extension(path: bytes) -> bytes:
    stem, dot, extension = path.rpartition(b"/")[2].rpartition(b".")
    return dot + extension.lower() if stem else b""

"""What reading texts from strangers' files promises."""

from __future__ import annotations

import gzip
import os
import random
import tarfile
import tracemalloc
from pathlib import Path

import pytest

from harvesters import fulltext, pdf, unpack
from harvesters.fulltext import FullTextRefused, TextPart, is_readable_name, read_archive, read_bytes, read_file
from harvesters.records import Refusal
from tests.harvesters.archives import make_tar, make_tgz, special, tgz_with_zeros
from tests.harvesters.pdfs import make_pdf

TEX = b"\\documentclass{article}\r\n\\begin{document}\rData of 2013.1.00001.S\n\\end{document}\n"


def reasons(refusals: list[Refusal]) -> dict[str, str]:
    """Refusal reasons by place."""
    return {refusal.place: refusal.reason for refusal in refusals}


def test_plain_text_keeps_every_character_and_newline() -> None:
    """Offsets into the text are offsets into the file: no newline is translated and a BOM stays."""
    body = b"\xef\xbb\xbfone\r\ntwo\rthree\nna\xefve"
    (part,) = read_bytes("a.txt", body)
    assert part == TextPart("a.txt", "\ufeffone\r\ntwo\rthree\nna\ufffdve", "text")


@pytest.mark.parametrize(
    ("name", "body", "format_"),
    [
        ("a.tex", b"no signs of TeX", "tex"),
        ("a.txt", TEX, "text"),
        ("unnamed", TEX, "tex"),
        ("a.nxml", b"<?xml version='1.0'?><article/>", "xml"),
        ("download", b"\xef\xbb\xbf\n<!DOCTYPE HTML><p>x</p>", "html"),
        ("download", b"<?xml version='1.0'?><p/>", "xml"),
        ("notes", b"only words", "text"),
        ("a.tex.gz", gzip.compress(b"plain words", mtime=0), "tex"),
    ],
)
def test_format_follows_name_and_content(name: str, body: bytes, format_: str) -> None:
    """A known suffix decides, else the first bytes do."""
    assert [part.format for part in read_bytes(name, body)] == [format_]


def test_archive_gives_tex_members_main_file_first() -> None:
    """TeX and text are read, styles and figures are not, the file with the document class comes first."""
    body = make_tgz(
        {
            "a_appendix.tex": b"appendix",
            "ms.bbl": b"\\bibitem{x}",
            "fig.eps": b"%!PS",
            "style.sty": b"\\ProvidesPackage{x}",
            "refs.bib": b"@article{x}",
            "plot.pdf": make_pdf("figure"),
            "sub/main.tex": TEX,
        }
    )
    parts, refusals = read_archive("e.tar.gz", body)
    assert [part.name for part in parts] == ["e.tar.gz!sub/main.tex", "e.tar.gz!a_appendix.tex", "e.tar.gz!ms.bbl"]
    assert parts[0].text == TEX.decode()
    assert refusals == []


def test_old_names_without_suffix_are_read_when_they_are_tex() -> None:
    """Old e-prints hold files such as "9501013" without a suffix."""
    parts, _ = read_archive("x.gz", make_tgz({"astro-ph.9501013": TEX, "README": b"hello", "Makefile": b"all:"}))
    assert [part.name for part in parts] == ["x.gz!astro-ph.9501013"]


def test_single_gzip_may_be_tex_pdf_or_tar_whatever_its_name() -> None:
    """The content decides what a ".gz" is."""
    assert read_bytes("1.gz", gzip.compress(TEX, mtime=0))[0].text == TEX.decode()
    assert read_bytes("2.gz", gzip.compress(make_pdf("page words"), mtime=0))[0].format == "pdf"
    assert read_bytes("3.gz", make_tgz({"a.tex": TEX}))[0].name == "3.gz!a.tex"
    assert read_bytes("4.tgz", make_tar({"a.tex": TEX}))[0].name == "4.tgz!a.tex"


def test_packed_members_are_unpacked() -> None:
    """A TeX file packed within an archive is read; a packed figure is no text and no refusal."""
    packed = {
        name: gzip.compress(body, mtime=0)
        for name, body in {"b.tex.gz": TEX, "f.eps.gz": b"%!PS", "g.pdf.gz": b"%PDF-"}.items()
    }
    parts, refusals = read_archive(
        "a.tar.gz", make_tgz(packed | {"c.tar.gz": make_tgz({"d.tex": b"d"}), "e.95.GZ": gzip.compress(b"e", mtime=0)})
    )
    assert [(part.name, part.format) for part in parts] == [
        ("a.tar.gz!b.tex.gz", "tex"),
        ("a.tar.gz!c.tar.gz!d.tex", "tex"),
        ("a.tar.gz!e.95.GZ", "text"),
    ]
    assert refusals == []


def test_members_that_point_outside_are_refused_and_others_read() -> None:
    """Parent paths, absolute paths, links, devices and pipes are named and refused; their neighbours are read."""
    body = make_tgz(
        {"ok.tex": TEX, "../../etc/evil.tex": b"evil", "/abs.tex": b"evil", "c:\\win.tex": b"evil", "end.tex": b"end"},
        extra=[
            special("link.tex", tarfile.SYMTYPE, "/etc/passwd"),
            special("hard.tex", tarfile.LNKTYPE, "ok.tex"),
            special("dev.tex", tarfile.CHRTYPE),
            special("pipe.tex", tarfile.FIFOTYPE),
        ],
    )
    parts, refusals = read_archive("e.tgz", body)
    assert [part.name for part in parts] == ["e.tgz!ok.tex", "e.tgz!end.tex"]
    why = reasons(refusals)
    assert '".."' in why["e.tgz!../../etc/evil.tex"]
    assert "absolute" in why["e.tgz!/abs.tex"]
    assert "absolute" in why["e.tgz!c:\\win.tex"]
    assert "link" in why["e.tgz!link.tex"]
    assert "link" in why["e.tgz!hard.tex"]
    assert "no regular file" in why["e.tgz!dev.tex"]
    assert "no regular file" in why["e.tgz!pipe.tex"]


def test_gigabyte_of_zeros_is_refused_in_bounded_memory_and_the_rest_is_read() -> None:
    """An absurd member costs its own text only, and never its size in memory."""
    body = tgz_with_zeros({"first.tex": TEX}, 1024**3, {"last.tex": b"last words"})
    tracemalloc.start()
    try:
        parts, refusals = read_archive("bomb.tar.gz", body)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert [part.name for part in parts] == ["bomb.tar.gz!first.tex", "bomb.tar.gz!last.tex"]
    assert reasons(refusals) == {"bomb.tar.gz!zeros.tex": "holds binary data, not text"}
    assert peak < 20 * 1024**2


def test_single_gzip_bomb_is_refused() -> None:
    """A packed file that is all zeros, or the same letter over and over, is no text."""
    with pytest.raises(FullTextRefused, match="binary data"):
        read_bytes("z.tex.gz", gzip.compress(bytes(50 * 1024**2), mtime=0))
    with pytest.raises(FullTextRefused, match="larger than"):
        read_bytes("a.tex.gz", gzip.compress(b"a" * (unpack.MAX_TEXT_BYTES + 1), mtime=0))
    with pytest.raises(FullTextRefused, match="times its size"):
        read_bytes("b.tex.gz", gzip.compress(b"a" * (4 * 1024**2), mtime=0))


def test_too_much_unpacked_stops_and_keeps_what_was_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit of unpacked bytes the rest is refused, the first texts stay."""
    monkeypatch.setattr(unpack.ByteStream.__init__, "__kwdefaults__", {"limit": 3 * 1024**2, "budget": None})
    body = tgz_with_zeros({"first.tex": TEX}, 4 * 1024**2, {"last.tex": b"x"})
    parts, refusals = read_archive("a.tgz", body)
    assert [part.name for part in parts] == ["a.tgz!first.tex"]
    assert "the rest was not read" in reasons(refusals)["a.tgz"]


def test_too_many_members_stop_and_keep_what_was_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit of members the rest is refused, the first texts stay."""
    monkeypatch.setattr(unpack, "MAX_MEMBERS", 2)
    parts, refusals = read_archive("a.tgz", make_tgz({"a.tex": TEX, "b.tex": TEX, "c.tex": TEX}))
    assert len(parts) == 2
    assert "more than 2 members" in refusals[0].reason


def test_giant_header_is_refused_without_reading_it_into_memory() -> None:
    """A long-name header of many megabytes is not believed."""
    info = tarfile.TarInfo("././@LongLink")
    info.type = tarfile.GNUTYPE_LONGNAME
    info.size = 64 * 1024**2
    body = gzip.compress(make_tar({"a.tex": TEX})[:1024] + info.tobuf() + b"a" * info.size, mtime=0)
    tracemalloc.start()
    try:
        parts, refusals = read_archive("a.tgz", body)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(parts) == 1
    assert "headers are larger" in refusals[0].reason
    assert peak < 16 * 1024**2


def test_russian_doll_is_refused() -> None:
    """Archives within archives within archives end somewhere."""
    body = gzip.compress(TEX, mtime=0)
    for _ in range(6):
        body = gzip.compress(body, mtime=0)
    with pytest.raises(FullTextRefused, match="times over"):
        read_bytes("doll.gz", body)


def test_bombs_within_bombs_share_one_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many small archives, each within the limits, may not unpack to more than one; nor hold more members."""
    inner = tgz_with_zeros({"a.tex": TEX}, 8 * 1024**2, {"z.tex": b"end"})
    outer = make_tar({f"n{number}.tar.gz": inner for number in range(6)})
    monkeypatch.setattr(unpack, "MAX_WALKED_BYTES", 20 * 1024**2)
    parts, refusals = read_archive("doll.tar", outer)
    assert len(parts) == 5  # two whole archives, and the first text of the third
    assert sum("whole file" in refusal.reason for refusal in refusals) == 4
    monkeypatch.setattr(unpack, "MAX_MEMBERS", 4)
    many = make_tgz({f"{n}.tex": TEX for n in range(4)})
    parts, refusals = read_archive("many.tar", make_tar({f"{n}.tgz": many for n in range(4)}))
    assert len(parts) == 12  # sixteen members may be looked at, and four of them are the archives
    assert all("too many" in refusal.reason for refusal in refusals)


def test_a_million_empty_members_cost_nothing() -> None:
    """The headers of an archive full of nothing are not walked to the end."""
    block = tarfile.TarInfo("empty.tex").tobuf()
    parts, refusals = read_archive("million.tgz", gzip.compress(block * 1_000_000, 1))
    assert len(parts) == 0
    assert "more than 5000 members" in refusals[0].reason


def test_one_broken_pdf_ends_the_pdfs_of_an_archive(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of PDFs that each hang would stop a run for days: the first that breaks the reader is the last."""
    asked: list[bytes] = []

    def hang(body: bytes) -> list[pdf.PdfPage]:
        asked.append(body)
        return [pdf.PdfPage(0, None, "takes longer than 60 s", broke_reader=True)]

    monkeypatch.setattr(fulltext, "read_pages", hang)
    parts, refusals = read_archive("a.tgz", make_tgz({f"{n}.pdf": b"%PDF-1.4" for n in range(5)}))
    assert (parts, len(asked), len(refusals)) == ([], 1, 5)
    monkeypatch.setattr(fulltext, "read_pages", lambda _body: [pdf.PdfPage(1, "words")])
    monkeypatch.setattr(fulltext, "MAX_PDFS", 2)
    parts, refusals = read_archive("a.tgz", make_tgz({f"{n}.pdf": b"%PDF-1.4" for n in range(5)}))
    assert (len(parts), len(refusals)) == (2, 3)


@pytest.mark.parametrize("size", [60, 4_000, 40_000])
def test_no_archive_that_was_cut_off_passes_for_whole(size: int) -> None:
    """Wherever a packed archive ends too early, what was read is given with a reason, never alone."""
    body = make_tgz({"a.tex": TEX + bytes(random.Random(size).choices(b"abcdefgh \n", k=size))})
    for end in range(1, len(body), max(1, len(body) // 400)):
        _, refusals = read_archive("a.tgz", body[:end])
        assert refusals, f"cut off after {end} of {len(body)} bytes"


def test_words_changed_on_their_way_are_told() -> None:
    """The check sum at the end of a packed archive is looked at, although the archive within ends before it."""
    text = TEX + bytes(random.Random(1).choices(b"abcdefgh \n", k=60_000))
    whole = make_tgz({"a.tex": text})
    changed = 0
    for place in range(30, len(whole) - 8, len(whole) // 60):
        parts, refusals = read_archive("a.tgz", whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        assert refusals or [part.text.encode() for part in parts] == [text]
        changed += bool(refusals)
    assert changed > 10
    assert read_archive("a.tgz", whole + b"junk behind it")[1] == []


@pytest.mark.parametrize("cut", [60, 200, 700])
def test_cut_off_archive_keeps_what_was_read(cut: int) -> None:
    """A download that broke off is named, and the members before the break are kept."""
    tar = make_tar({"a.tex": TEX, "b.tex": os.urandom(3000).hex().encode()})
    parts, refusals = read_archive("a.tar", tar[: len(tar) - 10240 + 1024 + cut] if cut > 600 else tar[: 1024 + cut])
    assert parts[0].text == TEX.decode()
    assert refusals
    assert refusals[0].place.startswith("a.tar")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "is empty"),
        (b"%!PS-Adobe-2.0", "PostScript"),
        (b"PK\x03\x04....", "ZIP"),
        ("Daten".encode("utf-16"), "UTF-16"),
        (b"\x89PNG\x00\x00\x00\x00" * 50, "binary"),
        (gzip.compress(TEX, mtime=0)[:-20], "cut-off gzip"),
        (b"\x1f\x8b\x08garbage that is no gzip", "gzip"),
        (make_tgz({"fig.eps": b"%!PS"}), "holds no text"),
        (b"%PDF-1.4 and nothing more", "no PDF or a broken one"),
        (make_pdf("secret", locked=True), "locked with a password"),
    ],
)
def test_unreadable_files_name_themselves_and_the_reason(body: bytes, reason: str) -> None:
    """Every unreadable file gives one sentence with its name and why."""
    with pytest.raises(FullTextRefused, match=reason) as refused:
        read_bytes("thing.gz", body)
    assert str(refused.value).startswith("thing.gz: ")


def test_pdf_gives_one_part_per_page() -> None:
    """Each page is a part with its number and plain newlines."""
    parts = read_bytes("a.pdf", make_pdf("First page\nwith two lines", "Second page"))
    assert parts == [
        TextPart("a.pdf", "First page\nwith two lines", "pdf", 1),
        TextPart("a.pdf", "Second page", "pdf", 2),
    ]


def test_pdf_within_an_archive_is_read_only_without_text_beside_it() -> None:
    """Beside TeX a PDF is a figure; alone it is the paper."""
    alone = make_tgz({"paper.pdf": make_pdf("the paper")})
    beside = make_tgz({"fig.pdf": make_pdf("a figure"), "a.tex": TEX})
    assert [(part.name, part.page) for part in read_bytes("x.tgz", alone)] == [("x.tgz!paper.pdf", 1)]
    assert [part.name for part in read_bytes("x.tgz", beside)] == ["x.tgz!a.tex"]


def test_pdf_without_text_says_that_it_is_a_scan() -> None:
    """Pages without any text are refused in words that help."""
    with pytest.raises(FullTextRefused, match="scan"):
        read_bytes("a.pdf", make_pdf("", ""))


def test_hanging_pdf_reader_is_given_up_and_started_anew(tmp_path: Path) -> None:
    """A PDF that makes the reader hang costs its time-out, and the next PDF is read."""
    slow = tmp_path / "slow.py"
    slow.write_text("import sys, time\nsys.stdin.buffer.readline()\ntime.sleep(600)\n")
    reader = pdf.PdfReader(timeout_s=0.5, worker=slow)
    try:
        (page,) = reader.read(b"%PDF-")
        assert page.number == 0
        assert "takes longer than 0.5 s" in (page.reason or "")
        assert "takes longer" in (reader.read(b"%PDF-")[0].reason or "")
    finally:
        reader.close()


def test_a_pdf_that_really_hangs_is_given_up() -> None:
    """Twenty forms that each draw the next ten times: 10^20 pieces of nothing in five kilobytes."""
    page = (
        make_pdf("X")
        .replace(b"/Font << /F1 3 0 R >>", b"/XObject << /X 90 0 R >>")
        .replace(b"Td (X) Tj ET", b"Td ET /X Do")
    )
    stream = b"/X Do " * 10
    forms = b"".join(
        b"%d 0 obj\n<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X %d 0 R >> >> /Length %d >>"
        b"\nstream\n%s\nendstream\nendobj\n" % (90 + k, 91 + k, len(stream), stream)
        for k in range(20)
    )
    body = page.replace(b"xref\n", forms + b"xref\n", 1)
    reader = pdf.PdfReader(timeout_s=1)
    try:
        *_, last = reader.read(body)
        assert (last.number, last.broke_reader) == (0, True)
        assert reader.read(make_pdf("fine"))[0].text == "fine"
    finally:
        reader.close()


def test_crashing_pdf_reader_keeps_the_pages_before(tmp_path: Path) -> None:
    """What was read before a crash stays, and the crash is told."""
    crash = tmp_path / "crash.py"
    crash.write_text(
        'import os, sys\nsys.stdin.buffer.readline()\nprint(\'{"page": 1, "text": "words"}\', flush=True)\nos.abort()\n'
    )
    reader = pdf.PdfReader(worker=crash)
    try:
        first, last = reader.read(b"%PDF-")
    finally:
        reader.close()
    assert first == pdf.PdfPage(1, "words")
    assert "crash" in (last.reason or "")


def test_read_file_hands_refusals_over_and_goes_on(tmp_path: Path) -> None:
    """With a callback nothing is raised; without one a file that gives no text raises."""
    path = tmp_path / "a.tar.gz"
    path.write_bytes(make_tgz({"a.tex": TEX, "../b.tex": TEX}))
    refused: list[Refusal] = []
    assert [part.name for part in read_file(path, name="in/a.tar.gz", on_refusal=refused.append)] == [
        "in/a.tar.gz!a.tex"
    ]
    assert [refusal.place for refusal in refused] == ["in/a.tar.gz!../b.tex"]
    (tmp_path / "empty.gz").write_bytes(b"")
    with pytest.raises(FullTextRefused, match="is empty"):
        list(read_file(tmp_path / "empty.gz"))
    with pytest.raises(FullTextRefused, match=r"cannot be read \(No such file"):
        list(read_file(tmp_path / "absent.txt"))
    with pytest.raises(FullTextRefused, match="no regular file"):
        list(read_file(tmp_path))


def test_pipe_named_outright_does_not_hang(tmp_path: Path) -> None:
    """A pipe that nobody writes to is refused, not waited for."""
    os.mkfifo(tmp_path / "pipe.txt")
    with pytest.raises(FullTextRefused, match="no regular file"):
        list(read_file(tmp_path / "pipe.txt"))


def test_names_picked_up_in_folders() -> None:
    """The suffixes of the scan command, in any case."""
    names = ["a.txt", "a.TEX", "a.xml", "a.html", "a.pdf", "a.gz", "a.tar.gz", "a.tgz"]
    assert all(map(is_readable_name, names))
    assert not any(map(is_readable_name, ["a.docx", "a.png", "a", "tex"]))
    assert fulltext.SOURCE == "fulltext"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe two bad bytes, then words in plain letters",
        b"\xfe\xff two bad bytes, then words in plain letters",
        b"\0\0a word\0or two",
        b"words " * 300 + b"\0" + b" and words" * 300,
    ],
)
def test_a_text_with_a_few_strange_bytes_is_read(tmp_path: Path, body: bytes) -> None:
    """Marks of another encoding at the start, a few NULs and emptiness do not make a text unreadable."""
    path = tmp_path / "odd.txt"
    path.write_bytes(body)
    assert [part.text for part in read_file(path)] == [body.decode("utf-8", errors="replace")]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_real_utf16_is_refused(encoding: str) -> None:
    """Text whose every other byte is NUL is told as UTF-16, with its mark or without."""
    with pytest.raises(FullTextRefused, match="UTF-16"):
        read_bytes("a.txt", "Words in plain letters.".encode(encoding))

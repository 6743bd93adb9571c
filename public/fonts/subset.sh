#!/bin/sh
# Makes the two web fonts in this directory from their published packages and
# writes their names into style/fonts.css. Run by hand when a font or the set of
# characters changes; no build or test needs it, the results are kept.
#
# Inter comes from npm `inter-ui`: it has the features base.css asks for, which
# the cut-down builds lack. JetBrains Mono comes from PyPI `fontpkg-jetbrains-mono`:
# one variable file with Latin Extended-A and arrows, not one file a script.
# U+202F, which groups digits and parts units, is absent from JetBrains Mono: it
# is added here as a space half a cell wide.
#
# Needs npm, python3 with venv, tar and sha256sum.
set -eu

inter=4.1.1
mono=2.211
fonttools=4.68.0
brotli=1.2.1

here=$(cd "$(dirname "$0")" && pwd)
css=$here/../../style/fonts.css
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv tools
tools/bin/pip install --quiet --disable-pip-version-check "fonttools==$fonttools" "brotli==$brotli"
npm pack --silent "inter-ui@$inter" >/dev/null
tar -xzf "inter-ui-$inter.tgz"
tools/bin/pip install --quiet --disable-pip-version-check --no-deps --target mono "fontpkg-jetbrains-mono==$mono"

inter_source=package/variable/InterVariable.woff2
mono_source="mono/fontpkg_jetbrains_mono/files/JetBrainsMono[wght].ttf"

# ASCII, Latin-1, Latin Extended-A; combining accents of the same; the Greek of
# units and thresholds; spaces, dashes, quotes and marks; arrows; signs of
# comparison; keys; plain shapes. Characters a font lacks are passed over.
characters=U+0020-007E,U+00A0-017F,U+0218-021B,U+0300-0304,U+0306-030C,U+0327-0328
characters=$characters,U+0394,U+03A9,U+03BC,U+2002-200B,U+2010-2015,U+2018-201E
characters=$characters,U+2020-2022,U+2026,U+202F,U+2030,U+2032-2033,U+2039-203A,U+2044
characters=$characters,U+20AC,U+2122,U+2190-2199,U+21B5,U+21E7,U+2212,U+2215,U+221E
characters=$characters,U+2248,U+2260,U+2264-2265,U+2318,U+2325,U+25CB,U+25CF,U+2713,U+2717

# subset <source> <features> <result>
subset() {
    tools/bin/pyftsubset "$1" --unicodes="$characters" --layout-features="$2" \
        --no-hinting --desubroutinize --name-IDs=0,1,2,3,4,5,6,13,14 \
        --notdef-outline --output-file="$3"
}

# The mono is shown without ligatures, so `calt` and its glyphs stay away.
subset "$inter_source" kern,mark,mkmk,ccmp,locl,calt,case,tnum,cv05,cv11,ss03 inter.ttf
subset "$mono_source" mark,mkmk,ccmp,locl mono.ttf

tools/bin/python - <<'PYTHON'
from fontTools.ttLib import TTFont
from fontTools.ttLib.tables._g_l_y_f import Glyph
from fontTools.varLib import instancer

NARROW = 0x202F


def narrow(font, limits):
    """The font within `limits` of its axes."""
    return instancer.instantiateVariableFont(font, limits)


def add_narrow_space(font):
    """Gives U+202F a glyph of its own, half as wide as a cell."""
    assert NARROW not in font.getBestCmap()
    width = font["hmtx"]["space"][0] // 2
    # Advances vary nowhere in a mono font, so the table of their changes can go.
    if "HVAR" in font:
        del font["HVAR"]
    name = "uni202F"
    font.setGlyphOrder([*font.getGlyphOrder(), name])
    font["glyf"].glyphs[name] = Glyph()
    font["glyf"].glyphOrder = font.getGlyphOrder()
    font["hmtx"][name] = (width, 0)
    font["gvar"].variations[name] = []
    for table in font["cmap"].tables:
        if table.isUnicode():
            table.cmap[NARROW] = name


inter = narrow(TTFont("inter.ttf", recalcTimestamp=False), {"opsz": 14, "wght": (400, 600)})
assert NARROW in inter.getBestCmap()
mono = narrow(TTFont("mono.ttf", recalcTimestamp=False), {"wght": (400, 600)})
add_narrow_space(mono)
for font, name in ((inter, "inter"), (mono, "jetbrains-mono")):
    font.flavor = "woff2"
    font.save(f"{name}.woff2")
PYTHON

for name in inter jetbrains-mono; do
    hash=$(sha256sum "$name.woff2" | cut -c1-8)
    rm -f "$here/$name"-????????.woff2
    cp "$name.woff2" "$here/$name-$hash.woff2"
    sed -i "s|/fonts/$name-[0-9a-f]\{8\}\.woff2|/fonts/$name-$hash.woff2|" "$css"
    echo "$name-$hash.woff2 $(wc -c <"$name.woff2")"
done
cp package/LICENSE.txt "$here/LICENSE-inter.txt"
cp mono/fontpkg_jetbrains_mono/LICENSE "$here/LICENSE-jetbrains-mono.txt"

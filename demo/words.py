"""The words the demo observatory is made of: topics, sentences, journals and institutes, all written for this demo.

Sentences are patterns with slots (``{target}``, ``{line}``, ``{thing}`` …). No abstract and no sentence is taken from
a real paper or proposal; catalogue names of targets only look like real ones.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Topic:
    """One field of research: what its projects observe, and how its titles and sentences are worded."""

    category: str
    keywords: tuple[str, ...]
    catalogues: tuple[str, ...]
    """Patterns of target names; ``{hhmm}``, ``{ddmm}``, ``{n}``, ``{m}`` are filled with numbers."""
    things: tuple[str, ...]
    lines: tuple[str, ...]
    questions: tuple[str, ...]
    findings: tuple[str, ...]


HIGH_REDSHIFT = "Cosmology and the high redshift universe"
GALAXIES = "Galaxies and galactic nuclei"
STAR_FORMATION = "ISM, star formation and astrochemistry"
DISKS = "Circumstellar disks, exoplanets and the solar system"
STARS = "Stellar evolution and the Sun"

TOPICS: tuple[Topic, ...] = (
    Topic(
        HIGH_REDSHIFT,
        ("Sub-mm Galaxies (SMG)", "High-z Active Galactic Nuclei (AGN)", "Galaxy structure & evolution"),
        ("SMM J{hhmm}-{ddmm}", "COSX-{n}", "LDF {n}.{m}"),
        ("dusty starbursts", "lensed submillimetre galaxies", "massive quiescent galaxies", "a protocluster core"),
        ("CO(7-6)", "CO(4-3)", "[CI] 1-0", "rest-frame far-infrared continuum"),
        (
            "how quickly {thing} use up their molecular gas",
            "whether mergers or steady inflow keep {thing} shining",
            "how dust heating changes along the main sequence of {thing}",
        ),
        (
            "depletion times near {n} Myr, shorter than those of discs of equal mass",
            "a rotating reservoir with a dispersion of {n} km/s",
            "dust {n} K colder than single-band fits had implied",
        ),
    ),
    Topic(
        HIGH_REDSHIFT,
        ("Lyman Break Galaxies (LBG)", "Galaxy chemistry", "Damped Lyman Alpha (DLA) systems"),
        ("LBZ J{hhmm}+{ddmm}", "QSO J{hhmm}-{ddmm}", "ZD-{n}"),
        ("galaxies inside the epoch of reionization", "absorption-selected galaxies", "quasar companions"),
        ("[CII] 158 micron", "[OIII] 88 micron", "[NII] 205 micron"),
        (
            "where the first heavy elements of {thing} sit",
            "how the {line} halo of {thing} relates to their starlight",
            "what share of the star formation in {thing} is hidden by dust",
        ),
        (
            "a {line} halo reaching {m}.{n} kpc beyond the stars",
            "no dust continuum down to {n} microjansky",
            "a line ratio that asks for metallicities of a {m}th of solar",
        ),
    ),
    Topic(
        GALAXIES,
        ("Spiral galaxies", "Giant Molecular Clouds (GMC) properties", "Galactic centres/nuclei"),
        ("NGC {n}", "ESO {m}-G{k}", "UGC {n}"),
        ("giant molecular clouds", "bar-fed nuclear rings", "spiral arm spurs", "low-metallicity dwarf galaxies"),
        ("CO(2-1)", "13CO(1-0)", "HCN(1-0)", "CS(2-1)"),
        (
            "what sets the lifetime of {thing}",
            "whether the star formation law holds at the scale of {thing}",
            "how shear and feedback shape {thing}",
        ),
        (
            "cloud lifetimes of {n} Myr that shorten towards the bar ends",
            "a dense gas fraction that climbs by a factor {m} inside the ring",
            "virial parameters scattered around {m}.{k} with no trend with radius",
        ),
    ),
    Topic(
        GALAXIES,
        ("Active Galactic Nuclei (AGN)/Quasars (QSO)", "Outflows, jets, feedback", "Early-type galaxies"),
        ("Mrk {k}", "IC {n}", "PGS {hhmm}+{ddmm}", "NGC {n}"),
        (
            "molecular outflows from active nuclei",
            "circumnuclear tori",
            "jet-driven bubbles",
            "supermassive black holes",
        ),
        ("CO(3-2)", "HCO+(4-3)", "CO(6-5)", "band 3 continuum"),
        (
            "whether {thing} can end star formation in their hosts",
            "how far {thing} couple to the cold disc",
            "how much mass rests inside the sphere of influence of {thing}",
        ),
        (
            "an outflow carrying {n} solar masses a year, mostly falling back",
            "a compact torus {m} pc across, tilted against the host disc",
            "a dynamical mass of {m}.{n} million suns within {k} pc",
        ),
    ),
    Topic(
        STAR_FORMATION,
        ("Pre-stellar cores, Infra-Red Dark Clouds (IRDC)", "High-mass star formation", "Magnetic fields"),
        ("G{k}.{n}-0.{m}", "IRAS {hhmm}-{ddmm}", "AGK {k}.{m}+0.{k}"),
        ("infrared dark filaments", "massive protoclusters", "starless cores", "magnetised hubs"),
        ("N2H+(1-0)", "N2D+(3-2)", "polarised 1.3 mm continuum", "C18O(2-1)"),
        (
            "how {thing} break into stars",
            "whether fields or turbulence hold up {thing}",
            "which mass {thing} have when collapse begins",
        ),
        (
            "fragments spaced by {m}.{k} thousand au, close to the thermal Jeans length",
            "field strengths of {n} microgauss, short of what support would need",
            "a core mass function flatter than the stellar one by {m} tenths in slope",
        ),
    ),
    Topic(
        STAR_FORMATION,
        ("Astrochemistry", "Low-mass star formation", "Outflows, jets and ionized winds"),
        ("IRAS {hhmm}-{ddmm}", "HHX {k}", "BCL {k}-IRS{m}"),
        ("hot corinos", "protostellar jets", "streamers onto young binaries", "warm carbon-chain sources"),
        ("CH3OH ladders", "SiO(5-4)", "H2CO(3-2)", "deuterated formaldehyde"),
        (
            "when complex molecules appear in {thing}",
            "how ices of {thing} are handed to the young disc",
            "how episodic accretion leaves its mark on {thing}",
        ),
        (
            "methyl formate at {n} K inside {k} au of the protostar",
            "knots thrown out every {n} years along a wiggling axis",
            "deuteration of {m} per cent, as ices formed before the collapse would give",
        ),
    ),
    Topic(
        DISKS,
        ("Disks around low-mass stars", "Exo-planets", "Debris disks"),
        ("Szk {k}", "HDX {n}{k}", "V{n} Lup", "WSB-T {k}"),
        ("rings in planet-forming discs", "transition discs", "exocometary gas", "circumplanetary material"),
        ("0.9 mm continuum", "CO(2-1) isotopologues", "DCO+(3-2)", "1.3 mm polarisation"),
        (
            "whether planets carve {thing}",
            "how grains grow and drift in {thing}",
            "how much gas remains in {thing}",
        ),
        (
            "{m} rings whose widths need pressure traps",
            "a velocity kink {n} au out, as a planet of {m} Jupiter masses would stir",
            "dust settled to a scale height of {m} au at 100 au",
        ),
    ),
    Topic(
        DISKS,
        ("Solar system - Comets", "Solar system - Planetary atmospheres", "Solar system - Trans-Neptunian Objects"),
        ("Comet C/20{yy} Q{m}", "Titan", "Io", "Uranus", "(2{n}) TN{k}"),
        ("cometary comae", "the middle atmospheres of giant planets", "volcanic plumes", "distant icy bodies"),
        ("HCN(4-3)", "HC3N(24-23)", "SO2 lines", "thermal continuum"),
        (
            "which molecules leave the nucleus and which form in {thing}",
            "how winds and seasons shift {thing}",
            "how porous the surfaces of {thing} are",
        ),
        (
            "hydrogen cyanide released straight from the nucleus at {n} K",
            "a jet of {n} m/s near the southern pole",
            "an emissivity of 0.{n} that points to fluffy ice",
        ),
    ),
    Topic(
        STARS,
        ("Asymptotic Giant Branch (AGB) stars", "Evolved stars - Shaping/physical structure", "Post-AGB stars"),
        ("IRC +{k}{m}0", "RX {n} Car", "OHX {k}.{m}", "AFGL {n}"),
        ("winds of dying giants", "water fountains", "spiral shells", "dust-forming atmospheres"),
        ("SiO masers", "CO(3-2)", "AlO lines", "NaCl(26-25)"),
        (
            "how companions shape {thing}",
            "where the first grains condense in {thing}",
            "how fast {thing} strip the star",
        ),
        (
            "a spiral with a spacing of {n} au, set by an unseen companion",
            "salt and alumina within {m} stellar radii",
            "mass loss that rose tenfold {n} decades ago",
        ),
    ),
    Topic(
        STARS,
        ("The Sun", "Supernovae (SN) ejecta", "Pulsars and neutron stars", "Transients"),
        ("AR {n}{m}", "SN 20{yy}q{m}", "PSZ J{hhmm}-{ddmm}", "GRBX 1{yy}0{m}"),
        ("the quiet chromosphere", "young supernova remnants", "gamma-ray burst afterglows", "stellar flares"),
        ("band 3 continuum", "band 6 continuum", "CO(2-1) and SiO(5-4)", "100 GHz light curves"),
        (
            "how shocks heat {thing}",
            "how particles are accelerated in {thing}",
            "how much dust {thing} make and keep",
        ),
        (
            "brightness swings of {n} K with a period of {m} minutes",
            "a reverse shock that peaks {k} days after the burst",
            "0.0{n} solar masses of cold dust mixed into the clumps",
        ),
    ),
)

PARTS = ("Kinematics", "Dust properties", "Chemistry", "A second epoch", "Large scales")
"""What the later parts of a series are about."""

PROJECT_TITLES = (
    "{Thing} up close: {line} in {target}",
    "A {line} census of {thing} around {target}",
    "Testing {question}: the case of {target}",
    "{target}: a laboratory for {thing}",
    "Resolving {thing} with {line} towards {target}",
    "Mapping {line} across {target} and its neighbours",
    "What powers {thing}? Deep {line} imaging of {target}",
)
PAPER_TITLES = (
    "{Thing} seen in {line}: the case of {target}",
    "High-resolution {line} observations of {target}",
    "On {thing} in {target}: evidence from {line}",
    "{target} revisited: {line} and the nature of {thing}",
    "The inner structure of {target} traced by {line}",
    "{Thing} and their surroundings. I. {target}",
    "A {line} view of {target}",
)
ARCHIVE_TITLES = (
    "Mining the archive for {thing}: {line} in {target}",
    "A uniform re-reduction of {line} data towards {target}",
    "{Thing} from public data: {n} sources in {line}",
)
MENTION_TITLES = (
    "A model of {thing} and its observable {line}",
    "Simulating {thing} through cosmic time",
    "Optical spectroscopy of {target}: {thing} at other wavelengths",
    "Laboratory spectra for {thing}",
    "Radio monitoring of {target} over {m} years",
    "A review of {thing}",
)
OTHER_TITLES = (
    "Bayesian stacking for sparse photon counts, with a note on tile {n}",
    "A catalogue of {n} variable stars in field {k}",
    "Gravitational-wave templates with {m} spin parameters",
    "Neutrino oscillations in layered media of {m} shells",
    "Cataloguing meteor showers with {m} cameras since station {n}",
    "Error budgets of X-ray mirrors, batch {n}",
)

BACKGROUND = (
    "Our picture of {thing} rests on a handful of nearby examples.",
    "For {thing} the cold gas has long been the missing piece.",
    "Models of {thing} disagree by an order of magnitude where it matters most.",
    "Decades of work have left the inner workings of {thing} in doubt.",
    "Few other objects tell us as much about {thing} as {target}.",
)
AIMS = (
    "We ask {question}.",
    "The open point is {question}.",
    "Here we set out to learn {question}.",
    "To find out {question}, spatially resolved {line} is needed.",
)
PLANS = (
    "We request {line} at {m}.{k} arcsec towards {target}, with {k} minutes on source.",
    "We propose to map {target} in {line} down to {n} microjansky per beam.",
    "A single tuning covers {line} and the continuum of {target} at once.",
    "Two array configurations will recover every scale of {target} from {m} to {k} arcsec.",
)
PAYOFFS = (
    "Either outcome rules out one family of models.",
    "The maps will also serve as a template for fainter sources.",
    "Together with existing infrared data this closes the energy budget.",
    "The sample is small enough to finish and large enough to compare.",
)
METHODS = (
    "We present {line} observations of {target} at a resolution of {m}.{k} arcsec.",
    "New {line} maps of {target} are combined with earlier single-dish spectra.",
    "We analyse interferometric {line} data towards {target} with a forward model in the visibility plane.",
    "Using {line}, we trace the gas of {target} over {k} resolution elements.",
)
RESULTS = (
    "We find {finding}.",
    "The data show {finding}.",
    "Our best model has {finding}.",
    "The most striking result is {finding}.",
)
CLOSINGS = (
    "This favours a scenario in which {thing} evolve faster than thought.",
    "We discuss what this means for {thing} in general.",
    "Deeper maps of a few more sources would settle the matter.",
    "We release the calibrated images with this article.",
)
BODY = (
    "The calibration followed the usual steps; flagging removed {m} per cent of the visibilities.",
    "Images were made with Briggs weighting and a robust value of 0.{m}, which gave a beam of {m}.{k} arcsec.",
    "The noise is {n} microjansky per beam in channels of {m} km/s.",
    "We fitted the rotation curve with {m} tilted rings and let the inclination float.",
    "Table 1 lists the fluxes; errors include {k} per cent for the absolute scale.",
    "A second component {m}.{k} arcsec to the north-east is seen at {m} sigma and is left out of the fit.",
    "The optical depth follows from the ratio of isotopologues and stays below 0.{m} outside the centre.",
    "Our numbers agree with earlier estimates within {k} per cent once the distance of {n} pc is used.",
)

OBSERVED = (
    "{target} was observed with the Atacama Large Millimeter/submillimeter Array (ALMA) in {line}, using {k} antennas.",
    "The ALMA data were taken in {m} blocks; baselines reached {n} kilolambda.",
    "Our observations with the Atacama Large Millimeter/submillimeter Array cover {line} with {m} spectral windows.",
    "We use ALMA images of {target} in {line}, calibrated with the pipeline.",
)

ACKNOWLEDGEMENTS = (
    "This paper makes use of the following ALMA data: {codes}.",
    "The data used here are public in the archive of ALMA: {codes}.",
    "We used ALMA data ({codes}) taken for this programme.",
    "This work is based on ALMA observations {codes}.",
)
PARTNERSHIP = (
    "ALMA is run by a partnership of Europe, North America and East Asia together with the Republic of Chile.",
    "The Joint ALMA Observatory runs the array on behalf of its partners.",
)
THANKS = (
    "We thank the referee for a careful reading.",
    "The first author was supported by a grant of the Brennholm Fund.",
    "We are grateful to the contact scientists for their patience.",
    "Part of the computing was done on the cluster of the Vallegrande school.",
)
MENTIONS = (
    "Such structure is well within reach of the Atacama Large Millimeter/submillimeter Array (ALMA).",
    "Earlier ALMA images of similar sources (see the references) guided our choice of parameters; no such data are used.",
    "Follow-up time with ALMA has been granted (project code {code}) and the observations will be reported elsewhere.",
    "Future surveys with the Atacama Large Millimeter/submillimeter Array (ALMA) in {line} will test this.",
    "The target was proposed for ALMA under {code}; it has not been observed so far.",
    "We quote fluxes from the literature, some measured with the Atacama Large Millimeter Array.",
    "The third author is a member of the Joint ALMA Observatory; no data of the array enter this work.",
)
FOREIGN_CODES = (
    "Based on observations collected at Paranal under programme 0{p}.C-0{n}(A).",
    "Grant ALMA-CONICYT 311{n}05 paid for the visit of the second author.",
    "Supported by NAOJ ALMA Scientific Research Grant number 20{yy}-0{m}A.",
    "The VLA data were taken under project 1{m}A-{k}3.",
)

JOURNALS: tuple[tuple[str, str, str, int], ...] = (
    ("The Astrophysical Journal", "ApJ", "apj", 30),
    ("Astronomy and Astrophysics", "A&A", "aa", 30),
    ("Monthly Notices of the Royal Astronomical Society", "MNRAS", "mnras", 20),
    ("The Astrophysical Journal", "ApJL", "apjl", 8),
    ("The Astronomical Journal", "AJ", "aj", 4),
    ("Publications of the Astronomical Society of Japan", "PASJ", "pasj", 4),
    ("Nature Astronomy", "NatAs", "natas", 3),
    ("Icarus", "Icar", "icarus", 1),
)
"""(journal, ADS bibstem, short form in our invented DOIs, weight)."""

DETAILS = {
    1: ("Annals of the Southern Sky", "Brennholm Observatory Circulars", "Journal of Millimetre Studies"),
    10: ("near-infrared spectra from an 8-m telescope", "JWST imaging planned for next year", "deep VLA data"),
    12: (
        "the calibration was redone three times and the team moved on to other data",
        "merged with a larger survey whose paper is pending",
        "the student's thesis is under embargo",
    ),
}
"""What players of the closed campaign write where an answer opens a text field."""

COMMENTS = (
    "The delivered images were fine, but the self-calibration took us a year to learn.",
    "A tutorial for combining configurations would have saved months.",
    "Thank you for the quick help of the support staff.",
    "The weblog is long; a one-page summary would do for most of us.",
    "Please send the release reminder a month earlier.",
    "Nothing to add.",
    "We would welcome funding lines for finishing papers.",
    "Contrast of the pipeline images was too low for our purpose.",
)

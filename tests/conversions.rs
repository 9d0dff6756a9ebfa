//! The published conversions against the shipped analytes: each agrees in all its stated digits, or is one that two
//! sources contradict, and then it is refused. Passes, and says so, where the table is absent.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
#![expect(clippy::print_stdout, reason = "it says how much it tested")]

use std::fs;
use std::path::Path;
use std::sync::Arc;

use labwire::config::Settings;
use labwire_units::{Analyte, Converted, Digits, Exact, Refusal, Rounding, Unit, line};

/// One line of the table.
#[derive(Debug)]
struct Row {
    analyte: String,
    from: String,
    to: String,
    factor: String,
    offset: String,
    kind: String,
    note: String,
}

fn table() -> Option<Vec<Row>> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus/clinical/unit_conversions.csv");
    if !file.parent().unwrap().exists() {
        println!("no table at {}: nothing to compare", file.display());
        return None;
    }
    let text = fs::read_to_string(file).unwrap().replace('\u{a0}', " ");
    Some(text.lines().skip(1).map(|line| row(&fields(line))).collect())
}

fn row(fields: &[String]) -> Row {
    let [analyte, _, from, to, factor, offset, kind, _, note] = fields else {
        unreachable!("nine fields: {fields:?}")
    };
    let [analyte, from, to, factor, offset, kind, note] =
        [analyte, from, to, factor, offset, kind, note].map(String::clone);
    Row { analyte, from, to, factor, offset, kind, note }
}

/// The fields of a line, some of them in quotation marks.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.next_if_eq(&'"').is_some() => fields.last_mut().unwrap().push('"'),
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            other => fields.last_mut().unwrap().push(other),
        }
    }
    fields
}

fn shipped() -> Settings {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("labwire.toml"), "site = \"Example Laboratory\"\n").unwrap();
    Settings::load(folder.path()).unwrap().0
}

/// Where the table's name for an analyte isn't ours, with the unit that tells it from its namesakes.
const NAMES: &[(&str, &str, &str)] = &[
    ("CSF", "mmol/L 0.0555", "glucose-csf"),
    ("CSF", "mmol/L 0.111", "lactate-csf"),
    ("CSF", "mg/L", "protein-csf"),
    ("CSF, urine", "mmol/L", "glucose-urine"),
    ("CSF, urine", "g/d", "protein-urine"),
    ("CSF, serum", "g/L", "protein"),
    ("5± Nucleotidase", "", "5-nucleotidase"),
    ("Albumin, serum", "", "albumin"),
    ("Alkaline phosphatase, α1-Antitrypsin", "", "alpha-1-antitrypsin"),
    ("α1-Fetoprotein, serum", "", "alpha-1-fetoprotein"),
    ("α1-Fetoprotein, amniotic fluid", "", "alpha-1-fetoprotein-amniotic"),
    ("Bilirubin, serum, direct", "", "bilirubin-direct"),
    ("Bilirubin, serum, total", "", "bilirubin-total"),
    ("Bilirubin", "", "bilirubin-total"),
    ("25-OH vitamin D3", "", "calcidiol"),
    ("Calcium, serum", "", "calcium"),
    ("Carbamazepine", "", "carbamazepine"),
    ("Chloride, serum", "", "chloride"),
    ("HDL", "", "cholesterol-hdl"),
    ("LDL", "", "cholesterol-ldl"),
    ("Copper, serum", "", "copper"),
    ("Cortisol, blood", "", "cortisol"),
    ("Creatinine, serum", "", "creatinine"),
    ("D3 (calcitriol, 1,25-dihydroxy)", "", "calcitriol"),
    ("Ethanol, blood", "", "ethanol"),
    ("Ferritin, serum", "", "ferritin"),
    ("Follicle-stimulating hormone (FSH), γ-Glutamyl transferase (GGT)", "", "gamma-glutamyl-transferase"),
    ("Glucose, blood", "", "glucose"),
    ("Glycohemoglobin", "", "glycohemoglobin"),
    ("Insulin, blood", "", "insulin"),
    ("Lactic acid, blood", "", "lactate"),
    ("Lithium, serum", "", "lithium"),
    ("Magnesium, serum", "", "magnesium"),
    ("Phenobarbital", "", "phenobarbital"),
    ("Phosphate", "", "phosphorus"),
    ("Phosphorus, serum", "", "phosphorus"),
    ("Phosphorus (as P)", "", "phosphorus"),
    ("Potassium, blood", "", "potassium"),
    ("Protein", "", "protein"),
    ("Sodium, blood", "", "sodium"),
    ("T3 uptake (T3U)", "", "t3-uptake"),
    ("Theophylline", "", "theophylline"),
    ("Triglycerides", "", "triglycerides"),
    ("Uric acid, serum", "", "uric-acid"),
    ("Valproate", "", "valproate"),
    ("Vancomycin", "", "vancomycin"),
    ("A", "", "vitamin-a"),
    ("B12", "", "vitamin-b12"),
    ("B6", "", "vitamin-b6"),
    ("C", "", "vitamin-c"),
    ("E", "", "vitamin-e"),
    ("Zinc, serum", "", "zinc"),
    ("count", "", "leukocytes"),
    ("D-dimer", "", "d-dimer-ddu"),
    ("AST/ALT/ALP/lipase", "", "enzyme-activity-in-units"),
    ("Enzymes", "", "enzyme-activity"),
    ("Urea nitrogen, blood (BUN)", "", "urea-from-urea-nitrogen"),
    ("Urea nitrogen", "", "urea-from-urea-nitrogen"),
    ("Ferritin", "pmol/L", "ferritin-molar"),
    ("HbA1c NGSP->IFCC", "", "hba1c-ifcc"),
    ("HbA1c IFCC->NGSP", "", "hba1c-ngsp"),
    ("HbA1c JDS/JSCC->IFCC", "", "hba1c-ifcc-from-jds"),
    ("HbA1c IFCC->JDS/JSCC", "", "hba1c-jds"),
    ("HbA1c Mono-S->IFCC", "", "hba1c-ifcc-from-mono-s"),
    ("HbA1c IFCC->Mono-S", "", "hba1c-mono-s"),
    ("HbA1c", "", "hba1c-ifcc"),
    ("Hemoglobin monomer Hb(Fe)", "", "haemoglobin-monomer"),
    ("Hemoglobin tetramer Hb4", "", "haemoglobin-tetramer"),
    ("Hemoglobin", "", "haemoglobin"),
];

/// Where the table is contradicted by a second source, or means no conversion at all: refused until a laboratory chooses.
const CONTRADICTED: &[(&str, &str)] = &[
    ("Arsenic, urine", "umol/d"),
    ("Mercury, urine", "umol/d"),
    ("Cyclic AMP, urine", "umol/L"),
    ("Cystine, urine", "umol/(24.h)"),
    ("DHEA sulfate", "umol/L"),
    ("Procainamide (Pronestyl®), serum", "umol/L"),
    ("T3 uptake (T3U)", "[arb'U]"),
];

/// Where the table's last digit is one beside what the standard atomic weights give.
const ONE_BESIDE: &[&str] = &["Cadmium, blood", "Serotonin", "Xylose, plasma"];

fn analyte(settings: &Settings, row: &Row) -> Arc<Analyte> {
    let told = format!("{} {}", row.to, row.factor);
    let listed = NAMES.iter().find(|(name, unit, _)| *name == row.analyte && told.starts_with(unit));
    let bare = |name: &str| match name.split_once(" (") {
        Some((before, rest)) if rest.contains(['®', '™']) => {
            format!("{before}{}", rest.split_once(')').unwrap().1)
        }
        _ => name.to_owned(),
    };
    let found = match listed {
        Some((_, _, id)) => settings.rules.analytes.named(id),
        None => settings.rules.analytes.iter().find(|analyte| analyte.name == bare(&row.analyte)),
    };
    Arc::clone(found.ok_or_else(|| format!("no analyte for {row:?}")).unwrap())
}

/// What 1, and what 0, of the row's source unit is in its target unit.
fn points(settings: &Settings, row: &Row) -> Result<(Exact, Exact), Refusal> {
    let from = Unit::parse(&row.from)?;
    // The table says of what the moles are; our analyte does that by its name.
    let to = Unit::parse(row.to.trim_end_matches("{urea}"))?;
    if row.analyte == "any" || row.kind == "UCUM-derivable" {
        let line = line(&from, &to)?;
        return Ok((line.apply(&Exact::one()), line.apply(&Exact::zero())));
    }
    let analyte = analyte(settings, row);
    if row.kind == "policy/negative" && !analyte.unit.means(&to) {
        return line(&from, &to).map(|line| (line.slope, line.offset));
    }
    let onwards = line(&analyte.unit, &to).or_else(|refusal| {
        // Within one analyte a unit of the assay's own may be written in another way.
        if analyte.unit.means(&to) { line(&to, &to) } else { Err(refusal) }
    })?;
    let convert = |digits: &str| analyte.convert(&Digits::parse(digits).unwrap(), &from, Rounding::Nearest);
    let exact = |converted: Converted| onwards.apply(&converted.exact);
    Ok((exact(convert("1")?), exact(convert("0")?)))
}

/// In all the digits that are stated; a power of ten to the last one.
fn agrees(number: &Exact, stated: &str, row: &Row) -> bool {
    let digits = Digits::parse(stated).unwrap();
    if stated.trim_start_matches(['0', '.']).trim_end_matches('0') == "1" {
        return *number == digits.value;
    }
    if ONE_BESIDE.contains(&row.analyte.as_str()) {
        let step = Exact::parse(&format!("1e-{}", digits.decimals)).unwrap();
        let off = number - &digits.value;
        assert!(number.to_significant(digits.significant) != digits.value, "no longer beside it: {row:?}");
        return off <= step && -&off <= step;
    }
    number.to_significant(digits.significant) == digits.value
}

#[test]
fn every_published_conversion_agrees_in_its_stated_digits_or_is_refused() {
    let Some(table) = table() else { return };
    let settings = shipped();
    let (mut compared, mut refused, mut without_number) = (0, 0, 0);
    for row in &table {
        let published = ["published", "derived", "UCUM"].iter().any(|kind| row.kind.starts_with(kind));
        let doubted = row.note.contains("ERRATUM") || row.note.contains("CONFLICT");
        if !published || doubted {
            continue;
        }
        if Exact::parse(&row.factor).is_none() {
            without_number += 1;
            continue;
        }
        let points = points(&settings, row);
        if CONTRADICTED.contains(&(row.analyte.as_str(), row.to.as_str())) {
            assert!(points.is_err(), "{row:?}");
            refused += 1;
            continue;
        }
        let (one, zero) = points.map_err(|refusal| format!("{row:?}: {refusal}")).unwrap();
        assert!(agrees(&(&one - &zero), &row.factor, row), "{row:?}: {one}");
        assert_eq!(zero, Exact::parse(&row.offset).unwrap(), "{row:?}");
        compared += 1;
    }
    println!("{compared} conversions agree, {refused} are refused, {without_number} state no number");
    assert_eq!((compared, refused, without_number), (225, CONTRADICTED.len(), 18));
}

#[test]
fn what_must_be_refused_is_and_what_is_wrong_in_the_wild_is_not_repeated() {
    let Some(table) = table() else { return };
    let settings = shipped();
    let (mut refused, mut different) = (0, 0);
    for row in &table {
        if row.factor == "REFUSE" {
            // Percent is HbA1c's by the master equation, and never by ten.
            match points(&settings, row) {
                Err(_) => refused += 1,
                Ok((one, zero)) => {
                    assert!(row.analyte == "HbA1c" && one != Exact::from(10) && !zero.is_zero(), "{row:?}");
                    different += 1;
                }
            }
        }
        if row.kind.starts_with("WRONG-IN-THE-WILD") {
            let (one, _) = points(&settings, row).unwrap();
            assert!(!agrees(&one, &row.factor, row), "{row:?}: {one}");
            different += 1;
        }
    }
    println!("{refused} refused, {different} different");
    assert_eq!((refused, different), (7, 4));
}

#[test]
fn hba1c_is_converted_by_the_master_equation() {
    let settings = shipped();
    let convert = |id: &str, number: &str, from: &str| {
        let analyte = settings.rules.analytes.named(id).unwrap();
        let converted = analyte
            .convert(&Digits::parse(number).unwrap(), &Unit::parse(from).unwrap(), Rounding::Nearest)
            .unwrap();
        (converted.exact.to_string(), converted.reported)
    };
    assert_eq!(convert("hba1c-ifcc", "6.5", "%"), ("47.545".to_owned(), "48".to_owned()));
    assert_eq!(convert("hba1c-ngsp", "48", "mmol/mol"), ("6.542".to_owned(), "6.5".to_owned()));
}

#[test]
fn what_laboratories_convert_every_day_comes_out_right() {
    let settings = shipped();
    for (id, number, from, reported, exact) in [
        ("calcium", "9", "mg/dL", "2.25", "45000/20039"),
        ("calcium", "5", "meq/L", "2.50", "2.5"),
        ("glucose", "90", "mg/dL", "5.0", "75000/15013"),
        ("leukocytes", "7500", "/uL", "7.50", "7.5"),
        ("leukocytes", "7.5", "10*3/uL", "7.50", "7.5"),
        ("haemoglobin", "14.1", "g/dL", "141", "141"),
        ("haematocrit", "42.3", "%", "0.423", "0.423"),
        ("thyrotropin", "2.5", "u[IU]/mL", "2.50", "2.5"),
        ("potassium", "4.1", "meq/L", "4.1", "4.1"),
    ] {
        let analyte = settings.rules.analytes.named(id).unwrap();
        let converted = analyte
            .convert(&Digits::parse(number).unwrap(), &Unit::parse(from).unwrap(), Rounding::Nearest)
            .unwrap();
        assert_eq!(
            (converted.reported.as_str(), converted.exact.to_string().as_str()),
            (reported, exact),
            "{id}"
        );
    }
}

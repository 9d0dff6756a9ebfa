//! The published tables of critical and delta limits, row by row: what is a limit loads and decides at the limit, just
//! inside and just outside of it; what isn't one is refused. Passes without the tables, and says so.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test may stop at the first surprise"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use labwire::config::Settings;
use labwire::pipeline::rules::{log_bounds, rcv, try_examples};
use labwire_units::Exact;

const TABLES: &str = "../shared/corpus/clinical";

/// The rows of a table, each by its columns; `None` where the tables aren't here.
fn rows(table: &str) -> Option<Vec<BTreeMap<String, String>>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(TABLES);
    if !folder.exists() {
        println!("{} isn't here: nothing of it was tried", folder.display());
        return None;
    }
    let mut reader = csv::Reader::from_path(folder.join(table)).unwrap();
    let columns = reader.headers().unwrap().clone();
    let row = |row: csv::StringRecord| {
        columns.iter().map(str::to_owned).zip(row.iter().map(str::to_owned)).collect()
    };
    let rows: Vec<_> = reader.records().map(|record| row(record.unwrap())).collect();
    assert!(!rows.is_empty(), "{table} has rows");
    Some(rows)
}

/// Loads one rule, with its cases, and returns what was wrong with it or with them.
fn load(rule: &str) -> Result<usize, String> {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("rules.d")).unwrap();
    fs::write(folder.path().join("labwire.toml"), "site = \"A\"\n").unwrap();
    fs::write(folder.path().join("rules.d/a.toml"), rule).unwrap();
    let (settings, _) = Settings::load(folder.path()).map_err(|errors| errors.to_string())?;
    let trial = try_examples(&settings.rules.checks);
    let failures: Vec<String> = trial
        .failures
        .iter()
        .map(|it| format!("should be {}, and is {}", it.expected.name(), it.found))
        .chain(trial.untried.iter().map(|(_, _, path)| format!("{path} is untried")))
        .collect();
    if failures.is_empty() { Ok(trial.passed) } else { Err(failures.join("; ")) }
}

/// The analyte that a LOINC code means, or the one row without a code.
fn analyte(row: &BTreeMap<String, String>) -> String {
    let analytes = {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("labwire.toml"), "site = \"A\"\n").unwrap();
        Settings::load(folder.path()).unwrap().0.rules.analytes.clone()
    };
    match row["loinc"].as_str() {
        "" if row["analyte"] == "Ca ionized" => "calcium-ionized".to_owned(),
        code => analytes.of_loinc(code).unwrap_or_else(|| panic!("nothing has {code}")).id.clone(),
    }
}

/// One step in the last digit.
fn step(number: &str) -> Exact {
    let decimals = number.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    Exact::parse(&format!("1e-{decimals}")).unwrap()
}

/// A value just below, at, and just above a number, as text.
fn around(number: &str) -> [String; 3] {
    let at = Exact::parse(number).unwrap();
    // A hundredth of a step, so that nothing between the limit and its neighbour is left out.
    let near = &step(number) * &Exact::parse("0.01").unwrap();
    [(&at - &near).to_string(), at.to_string(), (&at + &near).to_string()]
}

/// Every operator-bearing row decides as its operators say. For whom it is, the examples' own cases try.
#[test]
fn every_critical_limit_divides_where_its_operator_says() {
    let Some(rows) = rows("critical_values.csv") else { return };
    let (mut tried, mut refused) = (0, 0);
    for row in &rows {
        let (low_op, high_op) = (row["low_op"].as_str(), row["high_op"].as_str());
        let analyte = analyte(row);
        let mut rule = format!(
            "[[critical]]\nname = \"it\"\nsource = \"the table\"\nanalyte = \"{analyte}\"\nunit = \"{}\"\n",
            row["unit"]
        );
        let mut cases = String::new();
        let mut case = |value: &str, expect: &str| {
            cases += &format!("[[critical.case]]\nvalue = \"{value}\"\nexpect = \"{expect}\"\n");
        };
        for (side, operator) in [("low", low_op), ("high", high_op)] {
            if operator.is_empty() {
                continue;
            }
            let number = &row[side];
            let operator = if matches!(operator, "mean" | "?") { "" } else { operator };
            rule += &format!("{side} = \"{operator} {number}\"\n");
            let [below, at, above] = around(number);
            let (outside, inside) = if side == "low" { (below, above) } else { (above, below) };
            case(&outside, side);
            case(&at, if operator.ends_with('=') { side } else { "clear" });
            case(&inside, "clear");
        }
        let loaded = load(&(rule + &cases));
        let is_limit = !matches!(low_op, "mean" | "?" | ">") && !matches!(high_op, "mean" | "?" | "<");
        let name = format!("{} of {}, {}", row["analyte"], row["source"], row["age_or_context"]);
        match loaded {
            Ok(passed) if is_limit => {
                assert!(passed >= 3, "{name}");
                tried += 1;
            }
            Err(why) if !is_limit => {
                assert!(
                    why.contains("has no operator") || why.contains("is not a low limit"),
                    "{name}: {why}"
                );
                refused += 1;
            }
            other => panic!("{name}: {other:?}"),
        }
    }
    println!("{tried} limits tried, {refused} rows without a proper operator refused");
    assert_eq!(tried + refused, rows.len());
    assert!(tried > 100 && refused > 20);
}

/// Where the examples come from, as the table names it.
const EXAMPLES: [(&str, &str); 7] = [
    ("arup", "ARUP"),
    ("citilab", "citilab"),
    ("houston-methodist", "Houston Methodist"),
    ("mayo-haematology", "Mayo"),
    ("starling", "Starling"),
    ("sunrise", "Sunrise"),
    ("wakemed", "WakeMed"),
];

/// A limit of one analyte: what it is about, in which unit, and both sides with their operators.
type Limit = [String; 4];

/// No limit of the examples is another than the table's, and none of a source's that is one is left out.
#[test]
fn every_example_of_critical_limits_is_the_tables() {
    let Some(rows) = rows("critical_values.csv") else { return };
    for (example, source) in EXAMPLES {
        let side = |row: &BTreeMap<String, String>, side: &str| match row[&format!("{side}_op")].as_str() {
            "" => String::new(),
            operator => format!("{operator} {}", row[side]),
        };
        let is_limit = |row: &&BTreeMap<String, String>| {
            !matches!(row["low_op"].as_str(), "mean" | "?" | ">")
                && !matches!(row["high_op"].as_str(), "mean" | "?" | "<")
        };
        let of_table = rows.iter().filter(|row| row["source"].starts_with(source)).filter(is_limit);
        let mut expected: Vec<Limit> = of_table
            .map(|row| [analyte(row), row["unit"].clone(), side(row, "low"), side(row, "high")])
            .collect();
        let path = format!("{}/config/rules.d/critical-{example}.toml.disabled", env!("CARGO_MANIFEST_DIR"));
        let rules: toml::Table = fs::read_to_string(path).unwrap().parse().unwrap();
        let text = |rule: &toml::Value, key: &str| {
            rule.get(key).and_then(toml::Value::as_str).unwrap_or_default().to_owned()
        };
        let mut found: Vec<Limit> = rules["critical"]
            .as_array()
            .unwrap()
            .iter()
            .map(|rule| ["analyte", "unit", "low", "high"].map(|key| text(rule, key)))
            .collect();
        expected.sort();
        found.sort();
        assert_eq!(found, expected, "{example}");
    }
}

#[test]
fn every_delta_limit_divides_at_its_number() {
    let Some(rows) = rows("delta_limits.csv") else { return };
    let limits: Vec<_> = rows.iter().filter(|row| row["kind"] == "limit").collect();
    for row in &limits {
        let name = format!("{} of {}", row["analyte"], row["source"]);
        let analyte = analyte(row);
        let (fall, rise, method, previous) = match row["limit"].split_once("..") {
            Some((fall, rise)) => (
                fall.trim_start_matches('-'),
                rise.trim_start_matches('+'),
                "percent\"\nbase = \"previous",
                "100",
            ),
            None => {
                let limit = row["limit"].trim_start_matches('>');
                (limit, limit, "absolute", "1000")
            }
        };
        let unit = if row["unit"] == "%" { "mg/dL" } else { row["unit"].as_str() };
        let mut rule = format!(
            "[[delta]]\nname = \"it\"\nsource = \"the table\"\nanalyte = \"{analyte}\"\nunit = \"{unit}\"\n\
             method = \"{method}\"\nrise = \"> {rise}\"\nfall = \"> {fall}\"\nwindow = \"72 h\"\n"
        );
        let base = Exact::parse(previous).unwrap();
        let mut case = |value: Exact, expect: &str| {
            rule += &format!(
                "[[delta.case]]\nvalue = \"{value}\"\nexpect = \"{expect}\"\n\
                 previous = [{{ value = \"{previous}\", before = \"24 h\" }}]\n"
            );
        };
        for (number, sign, path) in [(rise, 1, "rise"), (fall, -1, "fall")] {
            let [inside, at, outside] =
                around(number).map(|by| &base + &(&Exact::parse(&by).unwrap() * &Exact::from(sign)));
            case(outside, path);
            case(at, "clear");
            case(inside, "clear");
        }
        assert_eq!(load(&rule).map_err(|why| format!("{name}: {why}")), Ok(6));
    }
    println!("{} delta limits tried", limits.len());
    assert!(limits.len() > 15);
}

/// Of `CVI=8.8, CVA=14.0` and the like, the figure after a word.
fn figure(text: &str, word: &str) -> Option<Exact> {
    let after = text.split(word).nth(1)?.trim_start_matches(['=', ' ']);
    let end = after.find(|sign: char| !sign.is_ascii_digit() && sign != '.').unwrap_or(after.len());
    Exact::parse(after.get(..end)?)
}

#[test]
fn every_reference_change_value_that_was_worked_out_comes_out_the_same() {
    let Some(rows) = rows("delta_limits.csv") else { return };
    let z = Exact::parse("1.96").unwrap();
    let mut tried = 0;
    for row in rows.iter().filter(|row| row["kind"] == "rcv-own") {
        let text = &row["analyte"];
        let (cva, cvi) = (figure(text, "CVA").unwrap(), figure(text, "CVI").unwrap());
        let normal = rcv(&z, &cva, &cvi).unwrap().rounded(2).unwrap();
        assert!(
            row["limit"].contains(&format!("normal {normal}%")) || row["method"].contains(&normal),
            "{row:?}"
        );
        let (fall, rise) = log_bounds(&z, &cva, &cvi).unwrap();
        let (fall, rise) = (fall.rounded(2).unwrap(), rise.rounded(2).unwrap());
        assert!(row["limit"] == format!("{fall}..+{rise}"), "{fall}..+{rise}: {row:?}");
        tried += 1;
    }
    for row in rows.iter().filter(|row| row["kind"] == "rcv-worked" && row["method"].contains("CVI=")) {
        let (cva, cvi) = (figure(&row["method"], "CVA").unwrap(), figure(&row["method"], "CVI").unwrap());
        let found = rcv(&z, &cva, &cvi).unwrap().rounded(2).unwrap();
        assert!(row["note"].contains(&found), "{found}: {row:?}");
        tried += 1;
    }
    // From the whole variation of a person, in which that of the method is contained; published to within a hundredth.
    for row in rows.iter().filter(|row| row["method"].contains("total individual variation")) {
        let total = figure(&row["method"], "variation").unwrap();
        let found = Exact::parse(&rcv(&z, &Exact::from(0), &total).unwrap().rounded(3).unwrap()).unwrap();
        let published = Exact::parse(&row["limit"]).unwrap();
        let apart = if found < published { &published - &found } else { &found - &published };
        assert!(&apart * &Exact::from(100) <= published, "{row:?}");
        tried += 1;
    }
    let worked = rows.iter().filter(|row| matches!(row["kind"].as_str(), "rcv-own" | "rcv-worked")).count();
    assert_eq!(tried, worked, "every one that was worked out is tried");
}

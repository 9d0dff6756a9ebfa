//! `labwire convert`: one value, converted as an analyte allows it, with the reason. It reads the configuration only.

use std::io::Write;

use labwire_units::{Aliases, Believed, Converted, Digits};

use super::Outcome;
use super::arguments::Convert;
use crate::config::Settings;
use crate::domain::Comparator;
use crate::exit::Exit;
use crate::pipeline::number;

pub(super) fn run(settings: &Settings, asked: &Convert, out: &mut impl Write) -> Outcome {
    let analytes = &settings.rules.analytes;
    let Some(analyte) = analytes.named(&asked.analyte).or_else(|| analytes.of_loinc(&asked.analyte)) else {
        let names: Vec<&str> = analytes.iter().map(|analyte| analyte.id.as_str()).collect();
        writeln!(out, "There is no analyte {:?}; there are {}.", asked.analyte, names.join(", "))?;
        return Ok(Exit::Failed);
    };
    let (aliases, number) = match &asked.instrument {
        None => {
            let sent = number(&asked.value, '.', None);
            let sent = sent.and_then(|(sign, it)| Some((sign, Digits::parse(it.as_str())?)));
            (Aliases::default(), sent)
        }
        Some(name) => match settings.instruments.iter().find(|it| it.id.as_str() == name) {
            Some(it) => {
                let sent = number(&asked.value, it.decimal_separator, it.profile.thousands_separator);
                let sent = sent.and_then(|(sign, it)| Some((sign, Digits::parse(it.as_str())?)));
                (it.units.clone(), sent)
            }
            None => {
                writeln!(out, "There is no instrument {name:?}.")?;
                return Ok(Exit::Failed);
            }
        },
    };
    let Some((comparator, number)) = number else {
        let how = asked.instrument.as_ref().map(|name| format!(" as {name} writes them")).unwrap_or_default();
        writeln!(out, "{:?} is no number{how}.", asked.value)?;
        return Ok(Exit::Failed);
    };
    let rounding = Comparator::rounding(comparator);
    let converted = aliases.unit(&asked.unit).and_then(|unit| analyte.convert(&number, &unit, rounding));
    match converted {
        Ok(converted) => {
            let sent = format!("{} {}", asked.value, asked.unit);
            tell(&sent, comparator, &converted, out)?;
            Ok(if converted.believed == Believed::Yes { Exit::Done } else { Exit::Failed })
        }
        Err(refusal) => {
            writeln!(out, "Not converted: {refusal}.")?;
            Ok(Exit::Failed)
        }
    }
}

fn tell(
    sent: &str,
    comparator: Option<Comparator>,
    converted: &Converted,
    out: &mut impl Write,
) -> std::io::Result<()> {
    let sign = comparator.map_or("", Comparator::as_str);
    let Converted { exact, reported, unit, line, basis, believed } = converted;
    writeln!(out, "{sent} is reported as {sign}{reported} {unit}")?;
    writeln!(out, "exactly   {sign}{exact}")?;
    writeln!(out, "factor    {}", line.slope)?;
    if !line.offset.is_zero() {
        writeln!(out, "then add  {}", line.offset)?;
    }
    writeln!(out, "by        {basis}")?;
    if *believed == Believed::No {
        writeln!(out, "It lies outside of what is believed of this analyte: is it the right unit?")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::arguments::{Arguments, Command};
    use super::*;

    /// What `labwire convert …` says in a site whose analyzer writes K/uL, and how it ends.
    fn said(arguments: &[&str]) -> (String, Exit) {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        std::fs::create_dir(folder.path().join("instruments.d")).unwrap();
        write("labwire.toml", "site = \"Example Laboratory\"\n");
        write(
            "instruments.d/h500.toml",
            "profile = \"horiba-yumizen-h500\"\ntime_zone = \"Europe/Berlin\"\n[tcp_client]\nconnect = \"a:1\"\n\
             [units]\n\"K/uL\" = \"10*3/uL\"\n",
        );
        std::fs::create_dir(folder.path().join("profiles.d")).unwrap();
        write(
            "profiles.d/comma.toml",
            "name = \"comma\"\nrevision = 1\nvendor = \"Acme\"\nmodel = \"an invented model\"\nrecords = \"HPORCL\"\n\
             note = \"a test\"\nthousands_separator = \".\"\n[sources]\nmanual = \"invented\"\n",
        );
        write(
            "instruments.d/comma.toml",
            "profile = \"comma\"\ntime_zone = \"UTC\"\ndecimal_separator = \",\"\n[tcp_client]\nconnect = \"b:1\"\n",
        );
        write(
            "instruments.d/swiss.toml",
            "profile = \"comma\"\ntime_zone = \"UTC\"\ndecimal_separator = \",\"\nthousands_separator = \"'\"\n[tcp_client]\n\
             connect = \"c:1\"\n",
        );
        let (settings, _) = Settings::load(folder.path()).unwrap();
        let line = ["labwire", "convert"].iter().chain(arguments);
        let Command::Convert(asked) = Arguments::try_parse_from(line).unwrap().command else { panic!() };
        let mut out = Vec::new();
        let exit = run(&settings, &asked, &mut out).unwrap();
        (String::from_utf8(out).unwrap(), exit)
    }

    #[test]
    fn a_conversion_is_told_with_its_exact_value_its_factor_and_its_sources() {
        let (told, exit) = said(&["<5", "meq/L", "--analyte", "calcium"]);
        assert_eq!(
            told,
            "<5 meq/L is reported as <2.50 mmol/L\nexactly   <2.5\nfactor    0.5\nby        charge 2 (the ion Ca2+; \
             NLM ucum-lhc 7.1.9: meq/L to mmol/L 0.5 with a charge of 2)\n"
        );
        assert_eq!(exit, Exit::Done);
        let (told, _) = said(&["6.5", "%", "--analyte", "hba1c-ifcc"]);
        assert!(told.starts_with("6.5 % is reported as 48 mmol/mol\nexactly   47.545\n"), "{told}");
        assert!(told.contains("then add  -23.5\n"), "{told}");
        let (told, _) = said(&["-1.5", "K", "--analyte", "body-temperature"]);
        assert!(told.contains("is it the right unit?"), "{told}");
    }

    #[test]
    fn an_analyte_goes_by_its_loinc_code_too_and_an_instrument_by_its_aliases() {
        let (told, exit) = said(&["7.5", "K/uL", "--analyte", "6690-2", "--instrument", "h500"]);
        assert!(told.starts_with("7.5 K/uL is reported as 7.50 10*9/L\nexactly   7.5\n"), "{told}");
        assert_eq!(exit, Exit::Done);
        let (told, _) = said(&["7,5", "K/uL", "--analyte", "6690-2", "--instrument", "h500"]);
        assert_eq!(told, "\"7,5\" is no number as h500 writes them.\n");
        let (told, exit) = said(&["> 1.234,5", "mg/dL", "--analyte", "glucose", "--instrument", "comma"]);
        assert!(told.starts_with("> 1.234,5 mg/dL is reported as >68.5 mmol/L\n"), "{told}");
        assert_eq!(exit, Exit::Done);
        let by = |value: &str| said(&[value, "mg/dL", "--analyte", "glucose", "--instrument", "swiss"]).0;
        assert!(by("1'234,5").starts_with("1'234,5 mg/dL is reported as 68.5 mmol/L\n"), "{}", by("1'234,5"));
        assert_eq!(
            by("1.234,5"),
            "\"1.234,5\" is no number as swiss writes them.\n",
            "the analyzer's own file comes before the profile"
        );
    }

    #[test]
    fn what_is_not_converted_is_told_with_its_reason() {
        for (arguments, expected) in [
            (
                ["7.5", "K/uL", "6690-2"],
                "Not converted: leukocytes isn't converted from K/uL; it allows 10*9/L",
            ),
            (["5", "mEq/L", "calcium"], "Not converted: \"mEq/L\" is no UCUM unit: the table has no mEq."),
            (["14", "mmol/L", "haemoglobin"], "Not converted: mmol/L is undecided for haemoglobin: 0.6206"),
            (["1", "mg/L{FEU}", "d-dimer-ddu"], "Not converted: mg/L{FEU} is undecided for d-dimer-ddu"),
            (["7,5", "mg/dL", "calcium"], "\"7,5\" is no number."),
            (["9", "mg/dL", "kalzium"], "There is no analyte \"kalzium\"; there are 17-hydroxy"),
        ] {
            let [value, unit, analyte] = arguments;
            let (told, exit) = said(&[value, unit, "--analyte", analyte]);
            assert!(told.starts_with(expected), "{told}");
            assert_eq!(exit, Exit::Failed);
        }
    }
}

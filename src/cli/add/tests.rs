//! First files of instruments, by flags and by answers; what isn't right leaves nothing behind.

use clap::Parser;

use super::*;
use crate::cli::arguments::{Add, Arguments, Command};

const SITE: &str = "site = \"Example Laboratory\"\n";

fn added(folder: &Path, words: &[&str], typed: Option<&str>) -> (Exit, String) {
    let shown = folder.display().to_string();
    let line = ["labwire", "add", "instrument", "--config", &shown].into_iter().chain(words.iter().copied());
    let parsed = Arguments::try_parse_from(line).unwrap().command;
    let Command::Add(Add::Instrument(asked)) = parsed else { panic!("add instrument") };
    let (mut out, mut told) = (Vec::new(), Vec::new());
    let mut input = typed.unwrap_or_default().as_bytes();
    let dialogue = typed.map(|_| Dialogue { input: &mut input, out: &mut told });
    let exit = instrument(&asked, Some("Europe/Berlin"), dialogue, &mut out).unwrap();
    (exit, String::from_utf8([told, out].concat()).unwrap().replace(&shown, "DIR"))
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("labwire.toml"), SITE).unwrap();
    folder
}

#[test]
fn what_belongs_to_another_kind_of_connection_is_refused() {
    let line = ["labwire", "add", "instrument", "a1", "--profile", "erba-xl"];
    for wrong in [
        &["--listen", "127.0.0.1:4001", "--baud", "19200"][..],
        &["--connect", "10.0.0.7:4001", "--parity", "even"],
        &["--folder", "/srv/a1", "--stop-bits", "2"],
        &["--serial", "/dev/serial/by-id/usb-Example", "--allow", "10.0.0.5"],
    ] {
        let words = line.iter().chain(wrong);
        let refused = Arguments::try_parse_from(words).err().unwrap().to_string();
        assert!(refused.contains(wrong[2]), "{refused}");
    }
}

#[test]
fn an_instrument_of_each_kind_of_connection_is_added_and_loads() {
    let folder = folder();
    for (name, words) in [
        (
            "vitros",
            &[
                "--profile",
                "ortho-vitros-3600",
                "--serial",
                "/dev/serial/by-id/usb-Example",
                "--baud",
                "19200",
                "--parity",
                "even",
            ][..],
        ),
        (
            "erba",
            &[
                "--profile",
                "erba-xl",
                "--listen",
                "127.0.0.1:4001",
                "--sender",
                "XL",
                "--time-zone",
                "Asia/Kolkata",
            ],
        ),
        (
            "pro",
            &[
                "--profile",
                "roche-cobas-pro",
                "--listen",
                "0.0.0.0:4002",
                "--allow",
                "10.0.0.5",
                "--allow",
                "10.0.1.0/24",
            ],
        ),
        ("dxh", &["--profile", "beckman-dxh", "--connect", "10.0.0.7:4001", "--description", "Room \"2\""]),
        ("c111", &["--profile", "roche-cobas-c111", "--folder", "/srv/c111"]),
    ] {
        let words = [&[name], words].concat();
        let (exit, said) = added(folder.path(), &words, None);
        assert_eq!(exit, Exit::Done, "{said}");
        assert!(said.contains(&format!("DIR/instruments.d/{name}.toml: written.")), "{said}");
    }
    let (settings, _) = Settings::load(folder.path()).unwrap();
    let zones: Vec<_> =
        settings.instruments.iter().map(|it| it.time_zone.iana_name().unwrap().to_owned()).collect();
    assert_eq!(zones, ["Europe/Berlin", "Europe/Berlin", "Asia/Kolkata", "Europe/Berlin", "Europe/Berlin"]);
    let vitros = fs::read_to_string(folder.path().join("instruments.d/vitros.toml")).unwrap();
    assert!(
        vitros.ends_with(
            "[serial]\ndevice = \"/dev/serial/by-id/usb-Example\"\nbaud = 19200\nparity = \"even\"\n"
        ),
        "{vitros}"
    );
}

#[test]
fn every_shipped_profile_can_be_added() {
    let folder = folder();
    let models = starter::models(folder.path());
    assert!(models.len() > 15, "they are found");
    for (index, model) in models.into_iter().enumerate() {
        let place = format!("/srv/{}", model.name);
        let port = format!("10.0.0.7:{}", 4000 + index);
        let way = match model.dialect {
            crate::domain::profile::Dialect::Table(_) => ["--folder", &place],
            _ => ["--connect", &port],
        };
        let (exit, said) = added(
            folder.path(),
            &[&[model.name.as_str(), "--profile", &model.name], &way[..]].concat(),
            None,
        );
        assert_eq!(exit, Exit::Done, "{}: {said}", model.name);
    }
}

#[test]
fn what_is_there_is_never_written_over_and_what_is_wrong_is_not_written() {
    let folder = folder();
    let least = ["erba", "--profile", "erba-xl", "--listen", "127.0.0.1:4001"];
    assert_eq!(added(folder.path(), &least, None).0, Exit::Done);
    let file = folder.path().join("instruments.d/erba.toml");
    fs::write(&file, "# mine\n").unwrap();
    let (exit, said) = added(folder.path(), &least, None);
    assert_eq!(
        (exit, said.as_str()),
        (
            Exit::Failed,
            "Refused: DIR/instruments.d/erba.toml is there already; edit it, then labwire check.\n"
        )
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), "# mine\n");

    for (words, expected) in [
        (&["Erba", "--profile", "erba-xl", "--connect", "a:1"][..], Exit::Usage),
        (&["../labwire", "--profile", "erba-xl", "--connect", "a:1"], Exit::Usage),
        (&["b", "--profile", "erba", "--connect", "a:1"], Exit::Usage),
        (&["b", "--profile", "erba-xl"], Exit::Usage),
        (&["b", "--connect", "a:1"], Exit::Usage),
        (&["b", "--profile", "erba-xl", "--connect", "a"], Exit::Configuration),
        (&["b", "--profile", "erba-xl", "--connect", "a:1", "--time-zone", "Mars/Base"], Exit::Configuration),
        (&["b", "--profile", "erba-xl", "--serial", "/dev/x", "--parity", "evn"], Exit::Configuration),
        (&["b", "--profile", "roche-cobas-c111", "--connect", "a:1"], Exit::Configuration),
    ] {
        assert_eq!(added(folder.path(), words, None).0, expected, "{words:?}");
        assert_eq!(fs::read_dir(folder.path().join("instruments.d")).unwrap().count(), 1, "{words:?}");
    }
}

#[test]
fn a_mistake_that_was_there_before_keeps_nobody_from_adding() {
    let folder = folder();
    fs::write(folder.path().join("labwire.toml"), "sight = \"A\"\n").unwrap();
    let (exit, said) = added(folder.path(), &["b", "--profile", "erba-xl", "--connect", "a:1"], None);
    assert_eq!(exit, Exit::Done);
    assert!(said.contains("NOT in force until what was wrong before is mended: labwire.toml"), "{said}");
}

#[test]
fn who_is_asked_sees_the_profiles_and_says_the_connection_in_one_line() {
    for (line, expected) in [
        ("/dev/ttyS0", "[serial]\ndevice = \"/dev/ttyS0\"\n"),
        ("listen 127.0.0.1:4001", "[tcp_server]\nlisten = \"127.0.0.1:4001\"\n"),
        ("10.0.0.7:4001", "[tcp_client]\nconnect = \"10.0.0.7:4001\"\n"),
        ("/srv/files", "[folder]\nfolder = \"/srv/files\"\nafter = \"move\"\nmove_to = \"archive\"\n"),
    ] {
        let folder = folder();
        let typed = format!("erba\nerba-xl\n\n{line}\n");
        let (exit, said) = added(folder.path(), &["b"], Some(&typed));
        assert_eq!(exit, Exit::Done, "{said}");
        assert!(said.contains("generic-hl7") && said.contains("unknown profile \"erba\""), "{said}");
        let text = fs::read_to_string(folder.path().join("instruments.d/b.toml")).unwrap();
        assert!(text.ends_with(expected) && text.contains("time_zone = \"Europe/Berlin\""), "{text}");
    }
}

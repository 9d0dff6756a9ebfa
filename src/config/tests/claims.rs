//! What instruments may not own together, and how those on one listener must differ.

use super::*;
use crate::domain::profile::Pattern;

/// Two instrument files, `a` and `b`, after profile and time zone.
fn pair(a: &str, b: &str) -> String {
    let (a, b) = (format!("{INSTRUMENT}{a}"), format!("{INSTRUMENT}{b}"));
    errors_of(&[("labwire.toml", SITE), ("instruments.d/a.toml", &a), ("instruments.d/b.toml", &b)])
}

fn server(listen: &str, allow: &str) -> String {
    format!("[tcp_server]\nlisten = \"{listen}\"\nallow = [{allow}]\n")
}

#[test]
fn a_serial_device_has_one_owner() {
    let device = "[serial]\ndevice = \"/dev/null\"\n";
    assert_eq!(
        pair(device, device),
        "instruments.d/b.toml:4:10: /dev/null is the device of instruments.d/a.toml too; a serial device \
         carries one instrument"
    );
    assert_eq!(pair(device, "[serial]\ndevice = \"/dev/zero\"\n"), "no error");
}

#[test]
fn a_device_behind_two_names_has_one_owner() {
    let file = |device: &str| format!("{INSTRUMENT}[serial]\ndevice = \"{device}\"\n");
    let folder = folder(&[
        ("labwire.toml", SITE),
        ("instruments.d/a.toml", &file("by-id")),
        ("instruments.d/b.toml", &file("ttyUSB0")),
        ("ttyUSB0", ""),
    ]);
    std::os::unix::fs::symlink("ttyUSB0", folder.path().join("by-id")).unwrap();
    assert_eq!(
        errors(folder.path()),
        "instruments.d/b.toml:4:10: DIR/ttyUSB0 is the device of instruments.d/a.toml too; a serial device \
         carries one instrument"
    );
}

#[test]
fn an_analyzer_that_listens_has_one_instrument() {
    let client = "[tcp_client]\nconnect = \"10.0.0.5:4001\"\n";
    assert_eq!(
        pair(client, client),
        "instruments.d/b.toml:4:11: 10.0.0.5:4001 is where instruments.d/a.toml connects too; each instrument \
         needs an address of its own"
    );
}

#[test]
fn instruments_share_a_listener_only_when_they_can_be_told_apart() {
    let at = "0.0.0.0:4001";
    let named = |name: &str, rest: &str| format!("sender = \"{name}\"\n{rest}");
    let everybody = server(at, "");
    let nothing = "instruments.d/b.toml:4:10: nothing tells this instrument from instruments.d/a.toml on \
                   0.0.0.0:4001; give both an allow list without common addresses, or both a sender";
    let same_sender = "instruments.d/b.toml:5:10: this instrument and instruments.d/a.toml share 0.0.0.0:4001 \
                       and the sender \"X\"; give them different senders or allow lists without common addresses";
    let line = "instruments.d/b.toml:5:10: this instrument and instruments.d/a.toml share 0.0.0.0:4001 and only \
                differ by sender, which is known after the first frames; give both the same [link], \
                [tcp_server.tls] and time limits";
    let eager = format!("{everybody}[link]\nmissing_eot = true\n");
    for (a, b, expected) in [
        (server(at, "\"10.0.0.5\""), server(at, "\"10.0.0.6\""), "no error"),
        (server(at, "\"10.0.0.0/24\""), server(at, "\"10.0.1.0/24\", \"fd00::/8\""), "no error"),
        (server(at, "\"10.0.0.0/24\""), server(at, "\"10.0.0.6\""), nothing),
        (server(at, "\"10.0.0.6\""), server(at, "\"10.0.0.0/24\""), nothing),
        (server(at, "\"10.0.0.5\""), everybody.clone(), nothing),
        (everybody.clone(), everybody.clone(), nothing),
        (named("X", &everybody), everybody.clone(), nothing),
        (named("X", &everybody), named("Y", &everybody), "no error"),
        (named("X", &everybody), named("X", &everybody), same_sender),
        (named("X", &everybody), named("Y", &eager), line),
        (named("X", &eager), named("Y", &eager), "no error"),
        (named("X", &everybody), named("Y", &format!("{everybody}idle_secs = 60\n")), line),
        (
            server(at, "\"10.0.0.5\""),
            format!("{}[link]\ntries = 3\n", server(at, "\"10.0.0.6\"")),
            "no error",
        ),
    ] {
        assert_eq!(pair(&a, &b), expected, "\n{a}\n{b}");
    }
}

#[test]
fn listeners_that_overlap_are_refused() {
    assert_eq!(
        pair(&server("0.0.0.0:4001", ""), &server("10.0.0.1:4001", "")),
        "instruments.d/b.toml:4:10: 10.0.0.1:4001 overlaps 0.0.0.0:4001 of instruments.d/a.toml; write the same \
         address in both to share a listener"
    );
    assert_eq!(pair(&server("10.0.0.2:4001", ""), &server("10.0.0.1:4001", "")), "no error");
}

#[test]
fn a_rule_is_for_an_instrument_that_there_is() {
    let rule = |name: &str| {
        format!(
            "[[critical]]\nname = \"k\"\nsource = \"s\"\nanalyte = \"potassium\"\nunit = \"mmol/L\"\nlow = \"< 3\"\n\
             instruments = [\"{name}\"]\n"
        )
    };
    let a = format!("{INSTRUMENT}{}", server("10.0.0.2:4001", ""));
    let told = |name: &str| {
        errors_of(&[("labwire.toml", SITE), ("instruments.d/a.toml", &a), ("rules.d/r.toml", &rule(name))])
    };
    assert_eq!(told("a"), "no error");
    assert_eq!(told("*"), "no error");
    assert_eq!(
        told("nosuch"),
        "rules.d/r.toml:1:1: no instrument is called \"nosuch\", in instruments of rule k"
    );
}

#[test]
fn a_suspension_is_for_an_instrument_that_there_is() {
    let a = format!("{INSTRUMENT}{}", server("10.0.0.2:4001", ""));
    let told = |name: &str| {
        let site = format!("{SITE}[[suspend]]\ninstruments = [\"{name}\"]\nreason = \"it drifts\"\n");
        errors_of(&[("labwire.toml", &site), ("instruments.d/a.toml", &a)])
    };
    assert_eq!(told("a"), "no error");
    assert_eq!(told("*"), "no error");
    let refused = told("b1");
    assert!(refused.contains("there is no instrument \"b1\""), "{refused}");
}

#[test]
fn claims_are_told_beside_other_mistakes() {
    let told =
        pair("[serial]\ndevice = \"/dev/null\"\nbaud = 1\n", "rerun = 1\n[serial]\ndevice = \"/dev/null\"\n");
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines.len(), 3, "{told}");
}

#[test]
fn what_can_hardly_be_meant_is_a_warning() {
    let site = "site = \"A\"\n[destination.lims]\nurl = \"http://lims.example/\"\ninstruments = [\"a\"]\n";
    let file = format!("{INSTRUMENT}{}", server("0.0.0.0:4001", ""));
    let other = format!("{INSTRUMENT}{}", server("0.0.0.0:4002", "\"10.0.0.6\""));
    let (settings, warnings) =
        load(&[("labwire.toml", site), ("instruments.d/a.toml", &file), ("instruments.d/b.toml", &other)]);
    assert_eq!(settings.destinations[0].takes.instruments.only, [Pattern::new("a")]);
    let told: Vec<String> = warnings.iter().map(Finding::to_string).collect();
    assert_eq!(
        told,
        [
            "instruments.d/a.toml:4:10: anybody who reaches 0.0.0.0:4001 can send results as this instrument; \
             write allow = [\"its address\"]",
            "instruments.d/b.toml: no destination takes this instrument's results",
            "labwire.toml:3:7: results leave this machine unencrypted; write https:// where the LIMS allows it",
        ]
    );

    let (_, warnings) = load(&[("labwire.toml", SITE)]);
    let told: Vec<String> = warnings.iter().map(Finding::to_string).collect();
    assert_eq!(
        told,
        [
            "instruments.d: no instrument is described here",
            "labwire.toml: no [destination.NAME] is described; results are kept and shown, and sent nowhere",
        ]
    );
}

#[test]
fn an_analyzer_over_hl7_says_who_assigned_a_number_and_no_other_does() {
    let refused = "nothing says who assigned a patient's number: no analyzer here speaks HL7, and there is no table [orders.…]; remove this";
    let address = "[tcp_client]\nconnect = \"a:1\"\n";
    for (profile, line, says) in [
        (
            "generic-hl7",
            "url = \"https://lims.example/h?patient={authority}|{patient}\"\n",
            "no error".to_owned(),
        ),
        (
            "generic-hl7",
            "url = \"https://lims.example/h?patient={patient}\"\nauthority = \"HOSP\"\n",
            "no error".to_owned(),
        ),
        (
            "erba-xl",
            "url = \"https://lims.example/h?patient={authority}|{patient}\"\n",
            format!("labwire.toml:3:7: {refused}"),
        ),
        (
            "erba-xl",
            "url = \"https://lims.example/h?patient={patient}\"\nauthority = \"HOSP\"\n",
            format!("labwire.toml:4:13: {refused}"),
        ),
    ] {
        let site = format!("{SITE}[history]\n{line}");
        let instrument = format!("profile = \"{profile}\"\ntime_zone = \"UTC\"\n{address}");
        assert_eq!(
            errors_of(&[("labwire.toml", &site), ("instruments.d/a.toml", &instrument)]),
            says,
            "{profile} {line}"
        );
    }
}

//! Each mistake and the exact words in which it is told. The `.mistakes` files hold cases separated by empty lines:
//! the file as somebody wrote it, then all that is said of it, each line after `! `.

use super::*;
use crate::config::Secrets;
use crate::config::environment::Environment;
use crate::config::settings::Kind;

/// Reads each case's file and expected errors, and compares all at once.
fn check(cases: &str, errors: impl Fn(&str) -> String) {
    let mut shown = Vec::new();
    for case in cases.trim_end().split("\n\n") {
        let written: Vec<&str> = case.lines().filter(|line| !line.starts_with("! ")).collect();
        let written = written.join("\n");
        let told: String = errors(&written).lines().map(|line| format!("\n! {line}")).collect();
        shown.push(format!("{written}{told}"));
    }
    assert!(shown.len() > 10, "the file holds its cases");
    let shown = shown.join("\n\n");
    assert!(shown == cases.trim_end(), "this is what is told now:\n\n{shown}\n");
}

#[test]
fn each_mistake_in_labwire_toml_is_told_with_its_place_and_its_remedy() {
    check(include_str!("labwire.mistakes"), |written| errors_of(&[("labwire.toml", written)]));
}

#[test]
fn each_mistake_in_an_instrument_file_is_told_with_its_place_and_its_remedy() {
    // Each case stands below the two lines of INSTRUMENT, so its first line is line 3.
    check(include_str!("instrument.mistakes"), |written| {
        let file = format!("{INSTRUMENT}{written}");
        errors_of(&[("labwire.toml", SITE), ("codes.d/c311.toml", ""), ("instruments.d/c311.toml", &file)])
    });
}

#[test]
fn each_mistake_in_a_file_of_analytes_is_told_with_its_place_and_its_remedy() {
    check(include_str!("analytes.mistakes"), |written| {
        errors_of(&[("labwire.toml", SITE), ("analytes.toml", written)])
    });
}

#[test]
fn each_mistake_in_a_file_of_control_lots_is_told_with_its_place_and_its_remedy() {
    let c311 = format!("{INSTRUMENT}[tcp_client]\nconnect = \"10.0.0.7:4001\"\n");
    check(include_str!("qc.mistakes"), |written| {
        errors_of(&[("labwire.toml", SITE), ("instruments.d/c311.toml", &c311), ("qc.d/a.toml", written)])
    });
}

#[test]
fn each_mistake_in_a_file_of_rules_is_told_with_its_place_and_its_remedy() {
    check(include_str!("rules.mistakes"), |written| {
        errors_of(&[("labwire.toml", SITE), ("rules.d/a.toml", written)])
    });
}

#[test]
fn every_mistake_of_every_file_is_told_at_once() {
    let told = errors_of(&[
        ("labwire.toml", "[page]\nlisten = \"10.0.0.1:80\"\n[log]\nformat = \"xml\"\n"),
        (
            "instruments.d/c311.toml",
            "profile = \"acme-won\"\n[serial]\ndevice = \"/dev/null\"\nbaud = 1\nparity = \"evn\"\n",
        ),
        (
            "instruments.d/x550.toml",
            "profile = \"acme-one/2\"\ntime_zone = \"Europe/Berln\"\n[tcp_server]\nlisten = \"all\"\nalow = []\n",
        ),
        ("instruments.d/broken.toml", "profile = acme\n"),
        ("instruments.d/My Analyzer.toml", "profile = \"acme-one\"\ntime_zone = \"UTC\"\n"),
        ("profiles.d/two.toml", &PROFILE.replace("revision = 1", "revision = 0")),
        ("instruments.d/notes.txt", "not TOML, and not read"),
    ]);
    assert_eq!(told, include_str!("all_at_once.expected").trim_end(), "this is what is told now:\n{told}");
}

#[test]
fn one_mistake_of_a_site_s_profile_or_of_its_place_is_told_once() {
    let table = PROFILE_OF_FILES;
    let instrument = |after: &str| {
        format!(
            "profile = \"files\"\ntime_zone = \"UTC\"\n[folder]\nfolder = \"/srv/x\"\nafter = \"{after}\"\n"
        )
    };
    for (profile, after, told) in [
        (table.replace("[table]", "[tabel]"), "delete", "profiles.d/files.toml:"),
        (table.replace("\"csv\"", "\"csw\""), "delete", "profiles.d/files.toml:"),
        (table.to_owned(), "move", "instruments.d/a.toml:3:1: [folder] moves files and has no move_to"),
        (table.to_owned(), "remove", "instruments.d/a.toml:5:9: unknown after"),
    ] {
        let all = errors_of(&[
            ("labwire.toml", SITE),
            ("instruments.d/a.toml", &instrument(after)),
            ("profiles.d/files.toml", &profile),
        ]);
        assert!(all.starts_with(told) && all.lines().count() == 1, "{all}");
    }
    let serial = "profile = \"files\"\ntime_zone = \"UTC\"\n[serial]\ndevice = \"/dev/null\"\nbaud = 9600\n";
    let all = errors_of(&[
        ("labwire.toml", SITE),
        ("instruments.d/a.toml", serial),
        ("profiles.d/files.toml", table),
    ]);
    assert!(all.contains("reads files, and nothing else; write [folder], [ftp] or [sftp]"), "{all}");
}

/// A made-up model that writes files.
const PROFILE_OF_FILES: &str = "name = \"files\"\nrevision = 1\nprotocol = \"table\"\nvendor = \"Nobody\"\nmodel = \"None\"\n\
                                note = \"Made up.\"\n[sources]\nit = \"made up\"\n[table]\nformat = \"csv\"\n[places]\n\
                                specimen = \"Tube\"\ncode = \"Test\"\nvalue = \"Result\"\n";

#[test]
fn a_folder_without_labwire_toml_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(
        errors(folder.path()),
        "labwire.toml: there is no such file in DIR; copy the commented default there"
    );
}

#[test]
fn a_file_that_is_not_utf_8_is_told_with_the_place_of_its_first_odd_byte() {
    let folder = folder(&[]);
    fs::write(folder.path().join("labwire.toml"), b"site = \"A\"\n# caf\xe9\n").unwrap();
    assert_eq!(errors(folder.path()), "labwire.toml:2:6: this isn't UTF-8; save the file as UTF-8");
}

#[test]
fn a_site_can_add_a_profile_and_never_replace_one() {
    let other = ("profiles.d/zz.toml", PROFILE);
    assert_eq!(
        errors_of(&[("labwire.toml", SITE), other]),
        "profiles.d/zz.toml: profile acme-one/1 is also in profiles.d/acme-one.toml; give one of them another \
         name or revision"
    );

    let folder = folder(&[("labwire.toml", SITE)]);
    let mut shipped = Profiles::default();
    let source = Source { name: "shipped".to_owned(), text: PROFILE.to_owned() };
    assert_eq!(shipped.add_shipped(&source), []);
    let told = load_with(folder.path(), shipped, Vec::new(), (&Environment::default(), Secrets::Needed))
        .unwrap_err();
    assert_eq!(
        told.to_string(),
        "profiles.d/acme-one.toml: profile acme-one/1 is shipped with labwire and never changes; raise the revision"
    );
}

#[test]
fn secrets_appear_in_no_error_and_in_no_debug_output() {
    let site = "site = \"A\"\n[destination.lims]\nurl = \"https://l/\"\ntoken_file = \"token\"\n";
    let (settings, _) = load(&[("labwire.toml", site), ("token", "  s3cret-token \n")]);
    let Kind::Http(http) = &settings.destinations[0].kind else { panic!("it is http") };
    assert_eq!(http.web.token.as_ref().unwrap().reveal(), "s3cret-token");
    assert!(!format!("{settings:?}").contains("s3cret"));

    let told = errors_of(&[("labwire.toml", site), ("token", "s3cret token\nwith two lines")]);
    assert_eq!(told, "labwire.toml:4:14: DIR/token is no token; put one line of visible ASCII into it");
    let password = site.replace("https://l/", "https://anna:s3cret@l/");
    assert!(!errors_of(&[("labwire.toml", &password), ("token", "x")]).contains("s3cret"));
}

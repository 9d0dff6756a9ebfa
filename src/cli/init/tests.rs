//! First configurations, by flags and by answers, as `labwire check` sees them.

use clap::Parser;

use super::*;
use crate::cli::arguments::{Arguments, Command};
use crate::cli::check;
use crate::host::serial::Machine;

fn begun(folder: &Path, words: &[&str], typed: Option<&str>) -> (Exit, String) {
    let folder = folder.display().to_string();
    let line = ["labwire", "init", "--config", &folder].into_iter().chain(words.iter().copied());
    let Command::Init(asked) = Arguments::try_parse_from(line).unwrap().command else { panic!("init") };
    let (mut out, mut shown) = (Vec::new(), Vec::new());
    let mut input = typed.unwrap_or_default().as_bytes();
    let dialogue = typed.map(|_| Dialogue { input: &mut input, out: &mut shown });
    let exit = run(&asked, dialogue, &mut out).unwrap();
    let said = String::from_utf8([shown, out].concat()).unwrap();
    (exit, said.replace(&folder, "DIR"))
}

/// What keeps to this folder, whatever runs on the machine of the test.
const HERE: [&str; 6] =
    ["--journal", "journal.db", "--control-socket", "control.sock", "--page", "127.77.77.20:8480"];

#[test]
fn a_first_configuration_by_flags_passes_the_check() {
    crate::host::tls::install_provider();
    let folder = tempfile::tempdir().unwrap();
    let words =
        [&["--site", "Example Laboratory North", "--lims", "http://127.77.77.20:1/results"], &HERE[..]]
            .concat();
    let (exit, said) = begun(folder.path(), &words, None);
    assert_eq!(
        (exit, said.lines().next()),
        (Exit::Done, Some("DIR/labwire.toml: written; it explains every setting there is."))
    );
    let report = check::report(folder.path(), &Machine::at(folder.path()));
    assert!(
        report.text.contains("the configuration is right: 0 instruments, 1 destination"),
        "{}",
        report.text
    );
    assert_eq!(report.exit, Exit::Done);
    let (settings, _) = Settings::load(folder.path()).unwrap();
    assert_eq!(settings.site, "Example Laboratory North");

    let (exit, said) = begun(folder.path(), &words, None);
    assert_eq!(
        (exit, said.as_str()),
        (Exit::Failed, "Refused: DIR/labwire.toml says something already; edit it, then labwire check.\n")
    );
}

#[test]
fn who_is_asked_is_told_what_will_not_do_and_asked_again() {
    let folder = tempfile::tempdir().unwrap();
    // The manual as the package brings it holds nobody's answers.
    fs::write(folder.path().join("labwire.toml"), DEFAULT).unwrap();
    let (exit, said) =
        begun(folder.path(), &HERE, Some("\nExample Laboratory\nlims.example\nlims.example:2575\n"));
    assert_eq!(exit, Exit::Done, "{said}");
    assert!(said.contains("\"lims.example\" is no host with a port"), "{said}");
    let (settings, _) = Settings::load(folder.path()).unwrap();
    assert_eq!(settings.destinations[0].id.as_str(), "lis-hl7");
}

#[test]
fn nothing_is_written_of_what_is_wrong_or_wasn_t_said() {
    for (words, expected) in [
        (&["--site", ""][..], Exit::Configuration),
        (&["--site", "A", "--lims", "lims.example"], Exit::Configuration),
        (&["--lims", "https://lims.example/"], Exit::Usage),
    ] {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(begun(folder.path(), words, None).0, expected, "{words:?}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}

#[test]
fn a_token_that_the_service_cannot_read_is_told_with_what_to_do() {
    use std::os::unix::fs::PermissionsExt;
    // Whoever runs this isn't the user nobody.
    let nobody = User::named("nobody").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    fs::write(&token, "invented\n").unwrap();
    let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    mode(folder.path(), 0o711);
    mode(&token, 0o600);
    let told = hidden(&token, &nobody).unwrap();
    let shown = token.display();
    assert!(told.contains(&format!("can't read {shown}: {shown} is closed to it")), "{told}");
    assert!(told.contains(&format!("LoadCredential=lims:{shown}\n")), "{told}");
    assert!(!told.contains("invented"), "{told}");
    mode(&token, 0o644);
    assert_eq!(hidden(&token, &nobody), None);
    assert!(hidden(Path::new("/root/token"), &nobody).unwrap().contains("/root is closed to it"));
}

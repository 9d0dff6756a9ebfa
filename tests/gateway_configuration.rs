//! A configuration that was changed on disk and doesn't run yet is said wherever somebody looks; and what an analyzer's
//! line carries goes on meanwhile.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test may stop at the first surprise, and says what it saw"
)]

#[path = "support/page.rs"]
mod page;
#[expect(dead_code, reason = "shared with the other end-to-end tests, which use the rest")]
#[path = "gateway/support.rs"]
mod support;

use std::fs;

use support::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_that_does_not_run_is_said_on_the_page_by_status_and_by_a_metric() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let address = free_port();
    lab.instrument("erba", "erba-xl", "", &listener(address));
    let _gateway = lab.start().await;
    let seen = || {
        let metrics = page::answer(lab.page, "/metrics").unwrap();
        let differs = metrics.contains("labwire_configuration_differs 1");
        assert!(differs || metrics.contains("labwire_configuration_differs 0"), "{metrics}");
        let status = lab.text(&["status"]);
        let line = status.lines().find(|line| line.contains("configuration on disk")).unwrap_or_default();
        let told = page::answer(lab.page, "/held").unwrap().contains("configuration on disk");
        (differs, told, line.to_owned())
    };
    assert_eq!(seen(), (false, false, String::new()));
    let file = lab.path("instruments.d/erba.toml");
    let before = fs::read_to_string(&file).unwrap();

    fs::write(&file, format!("description = \"in room 7\"\n{before}")).unwrap();
    until("it is said", || seen().0).await;
    let (_, told, line) = seen();
    assert!(told && line.contains("isn't in force"), "{line}");
    send(address, &glucose("EX0001", "5.40", "F", "20260102030405")).await;

    fs::write(&file, format!("nonsense = 1\n{before}")).unwrap();
    // Commands read the same files, say so, and go on.
    let page = || page::answer(lab.page, "/held").unwrap();
    until("the mistake is said", || page().contains("labwire check names a mistake")).await;
    let status = lab.run(&["status"]);
    assert!(status.status.success() && String::from_utf8_lossy(&status.stderr).contains("has a mistake"));

    fs::write(&file, &before).unwrap();
    until("nothing is said any more", || !seen().0).await;
    assert_eq!(seen(), (false, false, String::new()));
    until("the result is accepted", || lab.count("accepted") == 1).await;
}

/// The variables that the container recipe sets, with these places in them.
fn recipe(places: &[(&str, &str)]) -> Vec<(String, String)> {
    let recipe = include_str!("../packaging/Containerfile").replace("\\\n", " ");
    let line = recipe.lines().find(|line| line.starts_with("ENV ")).unwrap();
    let mut variables = Vec::new();
    for word in line.split_whitespace().skip(1) {
        let (name, value) = word.split_once('=').unwrap();
        let value = places.iter().fold(value.to_owned(), |value, (there, here)| value.replace(there, here));
        variables.push((name.to_owned(), value));
    }
    variables
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_runs_by_the_environment_of_the_container_recipe() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    // As the image has it: a configuration that names no place, and folders for what is written.
    let site = fs::read_to_string(lab.path("labwire.toml")).unwrap();
    let site = site.replace("control_socket = \"sock\"\n", "").replace("path = \"labwire.db\"\n", "");
    fs::write(lab.path("labwire.toml"), site).unwrap();
    fs::create_dir(lab.path("state")).unwrap();
    let folder = |name: &str| lab.path(name).to_str().unwrap().to_owned();
    let (config, state, run) = (folder(""), folder("state"), folder("state"));
    let variables =
        recipe(&[("/etc/labwire", &config), ("/var/lib/labwire", &state), ("/run/labwire", &run)]);
    assert_eq!(variables.len(), 3);
    let page = free_port();
    let labwire = |arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_labwire"));
        command.args(arguments).env_clear().envs(variables.iter().cloned());
        command.env("LABWIRE_PAGE_LISTEN", page.to_string());
        command
    };
    let mut gateway = labwire(&["run"]).stderr(std::process::Stdio::null()).spawn().unwrap();
    until("the gateway answers", || labwire(&["status"]).output().unwrap().status.success()).await;
    assert!(page::answer(page, "/health").unwrap().starts_with("HTTP/1.1 200"));
    assert!(lab.path("state/journal.db").exists() && lab.path("state/control.sock").exists());
    gateway.kill().unwrap();
    gateway.wait().unwrap();
    let odd = labwire(&["run"]).env("LABWIRE_JOURNAL", "/data").output().unwrap();
    assert_eq!(odd.status.code(), Some(78), "{odd:?}");
    assert!(String::from_utf8(odd.stderr).unwrap().contains("LABWIRE_JOURNAL: no such setting"));
}

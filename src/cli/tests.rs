//! What the documents say of commands, alarms and one another.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// The names behind `labwire ` where a command is written out: in a line of code, or in code among words.
fn named(text: &str) -> BTreeSet<&str> {
    let mut is_code = false;
    let mut names = BTreeSet::new();
    for line in text.lines() {
        is_code ^= line.starts_with("```");
        let written =
            line.split("`labwire ").skip(1).chain(line.split("podman exec labwire labwire ").skip(1));
        let after = written.chain(line.strip_prefix("labwire ").filter(|_| is_code));
        names.extend(after.map(|rest| {
            let end = rest.find(|c: char| !c.is_ascii_lowercase() && c != '-').unwrap_or(rest.len());
            rest.get(..end).unwrap()
        }));
    }
    names.remove("");
    names
}

#[test]
fn every_command_that_the_documents_name_is_one() {
    let command = super::command();
    let known: BTreeSet<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
    let mut seen = 0;
    for file in ["docs/OPERATIONS.md", "README.md", "CHANGELOG.md", "packaging/Containerfile"] {
        let text = read(file);
        let unknown: Vec<&str> = named(&text).into_iter().filter(|name| !known.contains(name)).collect();
        assert_eq!(unknown, Vec::<&str>::new(), "{file}");
        seen += named(&text).len();
    }
    assert!(seen > 40, "{seen} commands were found");
    assert_eq!(
        named("`labwire resurrect`"),
        BTreeSet::from(["resurrect"]),
        "an unknown one would be noticed"
    );
}

#[test]
fn every_incident_has_its_runbook_whose_alarms_and_sections_exist() {
    let manual = read("docs/OPERATIONS.md");
    let (_, runbooks) = manual.split_once("\n## Runbooks\n").unwrap();
    let runbooks = runbooks.split("\n## ").next().unwrap();
    let incidents: Vec<&str> = runbooks.split("\n### ").skip(1).collect();
    assert_eq!(incidents.len(), 11);
    for incident in incidents {
        for part in ["- **Seen**: ", "- **Safe**: ", "- **Steps**: ", "- **Over**: "] {
            assert!(incident.contains(part), "{part} of {incident}");
        }
    }
    let rules = read("packaging/observability/labwire.rules.yml");
    let alerts = runbooks.split("`Labwire").skip(1).map(|rest| rest.split('`').next().unwrap());
    for alert in alerts {
        assert!(rules.contains(&format!("alert: Labwire{alert}\n")), "Labwire{alert}");
    }
    // As forges make anchors of headings.
    let anchor = |heading: &str| -> String {
        let kept = |c: &char| c.is_alphanumeric() || [' ', '-'].contains(c);
        heading.to_lowercase().chars().filter(kept).map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    let headings: BTreeSet<String> = manual
        .lines()
        .filter_map(|line| line.strip_prefix('#'))
        .map(|it| anchor(it.trim_start_matches('#').trim()))
        .collect();
    for link in manual.split("](#").skip(1).map(|rest| rest.split(')').next().unwrap()) {
        assert!(headings.contains(link), "#{link} leads nowhere");
    }
}

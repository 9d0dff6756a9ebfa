//! Rules of `rules.d` in the running gateway: unsigned they only look on; signed they hold where a destination lets them
//! verify; and what they decided can be read, with its limits.

use labwire::host::control::{self, Request, Response};

use super::support::*;

pub(crate) const CODES: &str =
    "[codes.GLCC]\nanalyte = \"glucose\"\n[codes.CREA]\nanalyte = \"creatinine\"\n";
pub(crate) const CRITICAL: &str = "[[critical]]\nname = \"glucose\"\nanalyte = \"glucose\"\nunit = \"mg/dL\"\nlow = \"< 40\"\n\
    high = \"> 450\"\nhold = true\nsource = \"a test\"\n\
    [[delta]]\nname = \"glucose-delta\"\nanalyte = \"glucose\"\nunit = \"mg/dL\"\nmethod = \"absolute\"\n\
    rise = \"> 100\"\nfall = \"> 100\"\nwindow = \"72 h\"\nsource = \"a test\"\n";

pub(crate) fn rules(lab: &Lab, text: &str) {
    std::fs::create_dir_all(lab.path("rules.d")).unwrap();
    std::fs::write(lab.path("rules.d/own.toml"), text).unwrap();
}

/// A result of one patient, whose number stands where this analyzer's profile reads it.
pub(crate) fn of_patient(specimen: &str, value: &str, time: &str) -> String {
    glucose(specimen, value, "F", time).replace("P|1||EX-77|", "P|1|EX-77||")
}

/// Asks each stored case again, by the rules that are kept beside it. How many there are.
pub(crate) fn decided_again(lab: &Lab) -> usize {
    let reader = lab.reader();
    let all = reader.evaluations(0, 1_000).unwrap();
    for it in &all {
        let rules = labwire::config::rules::read(&reader.text_of_rules(&it.rules).unwrap().unwrap()).unwrap();
        assert_eq!(rules.sha256, it.rules);
        let again = labwire::pipeline::rules::evaluate(&it.case, &rules.checks);
        assert_eq!(labwire::journal::decisions::kept(&again), it.decisions);
    }
    all.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn unsigned_rules_look_on_and_signed_ones_hold_and_each_decision_can_be_read() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "release = \"hold-exceptions\"\n");
    let address = free_port();
    lab.instrument("erba", "erba-xl", "", &format!("{}{CODES}", listener(address)));
    rules(&lab, CRITICAL);
    let gateway = lab.start().await;

    send(address, &glucose("EX0001", "30.0", "F", "20260102030405")).await;
    until("nothing leaves while no rules are signed", || lab.count("held") == 1).await;
    let trace = lab.text(&["trace", "EX0001"]);
    assert!(trace.contains("judged by rules that nobody has signed, which do nothing"), "{trace}");
    assert!(
        trace.contains("critical: low; by glucose; limits < 40 mg/dL, > 450 mg/dL; a person must look"),
        "{trace}"
    );
    assert!(trace.contains("delta: not evaluated"), "{trace}");
    assert!(lab.text(&["held"]).contains("nobody has released"), "{}", lab.text(&["held"]));
    send(address, &glucose("EX0005", "90.0", "F", "20260102030505")).await;
    until("this neither", || lab.count("held") == 2).await;

    let wrong = format!("{CRITICAL}case = [{{ value = \"9\", expect = \"rise\" }}]\n");
    rules(&lab, &wrong);
    let refused = lab.try_to_sign();
    assert!(String::from_utf8_lossy(&refused.stdout).contains("1 cases don't come out"), "{refused:?}");
    assert_eq!(refused.status.code(), Some(1));
    rules(&lab, CRITICAL);
    no_way_is_left_untried_without_a_reason(&lab).await;
    until("what the signed rules don't hold leaves", || lab.count("accepted") == 1).await;
    until("what they hold is said to be critical", || lab.text(&["held"]).contains("it is critical")).await;
    send(address, &of_patient("EX0002", "90.0", "20260102040405")).await;
    until("what passes leaves by itself", || lab.count("accepted") == 2).await;
    send(address, &glucose("EX0003", "39.9", "F", "20260102050405")).await;
    until("what is critical waits", || lab.count("held") == 2).await;
    let trace = lab.text(&["trace", "EX0003"]);
    assert!(trace.contains("judged by rules in force"), "{trace}");
    assert!(trace.contains("held: it is critical, or may be"), "{trace}");
    send(address, &of_patient("EX0004", "200", "20260102060405")).await;
    until("it is read", || lab.text(&["trace", "EX0004"]).contains("judged")).await;
    let trace = lab.text(&["trace", "EX0004"]);
    assert_eq!(lab.count("held"), 3, "{trace}");
    assert!(trace.contains("delta: rise; by glucose-delta"), "{trace}");
    assert!(trace.contains("held: it is too far from the patient's earlier value"), "{trace}");
    let told = lab.text(&["release", "--held-for", "critical", "--instrument", "erba", "--reason", "seen"]);
    assert_eq!(told.lines().filter(|line| line.ends_with(": done")).count(), 2, "{told}");
    until("both leave for one reason", || lab.count("accepted") == 4).await;
    assert_eq!(lab.count("held"), 1);
    assert!(gateway.terminate().success());
    lab.must_balance();
    assert!(decided_again(&lab) >= 7, "each stored case decides as it did");
    another_set_is_tried_on_it(&lab);
}

/// Signs them, with a reason.
async fn no_way_is_left_untried_without_a_reason(lab: &Lab) {
    let why = ["--by", "Dr. Example", "--statement", "checked"];
    let refused = lab.run(&[&["rules", "sign"], &why[..]].concat());
    let said = String::from_utf8_lossy(&refused.stdout).into_owned();
    assert!(said.contains("own.toml:1:1: glucose has no case that comes out as low; add one"), "{said}");
    assert!(said.contains("Refused: 6 ways through the rules have no case"), "{said}");
    assert_eq!(refused.status.code(), Some(1));
    let sha256 = lab.text(&["rules"]).lines().next().unwrap().rsplit(' ').next().unwrap().to_owned();
    let (by, statement) = ("Dr. Example".to_owned(), "checked".to_owned());
    for untried_because in [None, Some(" ".to_owned())] {
        let (sha256, by, statement) = (sha256.clone(), by.clone(), statement.clone());
        let asked = Request::Sign { sha256, by, statement, untried_because };
        let socket = lab.path("sock");
        let answer =
            tokio::task::spawn_blocking(move || control::ask(&socket, &asked)).await.unwrap().unwrap();
        let Response::Refused { why } = answer else { unreachable!("{answer:?}") };
        assert!(why.contains("no case for 6: glucose low, glucose high"), "{why}");
    }
    assert!(lab.text(&["rules"]).contains("In force:   none."));
    lab.sign();
    let journal = rusqlite::Connection::open(lab.path("labwire.db")).unwrap();
    let kept = "SELECT count(*) FROM audit WHERE step = 'rules signed' AND detail LIKE
        'Dr. Example: checked; no case for 6: glucose low, %; because a test'";
    assert_eq!(journal.query_row(kept, [], |row| row.get::<_, i64>(0)).unwrap(), 1);
}

/// The second set calls 90 critical too, and knows no delta.
fn another_set_is_tried_on_it(lab: &Lab) {
    let folder = lab.path("candidate");
    std::fs::create_dir_all(folder.join("rules.d")).unwrap();
    let rules = CRITICAL.split("[[delta]]").next().unwrap().replace("< 40", "< 95");
    std::fs::write(folder.join("rules.d/own.toml"), &rules).unwrap();
    let reports = lab.path("reports");
    std::fs::create_dir(&reports).unwrap();
    let (against, report) = (folder.to_str().unwrap(), reports.to_str().unwrap());
    let asked = ["rules", "replay", "--against", against, "--last", "1d", "--report", report];
    let said = lab.text(&asked);
    assert!(said.contains(" decisions were made again, 0 came out otherwise."), "{said}");
    assert!(
        said.contains("5 results were compared (0 couldn't be), 5 would be decided otherwise."),
        "{said}"
    );
    assert!(
        said.contains(
            "For a person wait 3 by the rules in force, 4 by the others: what rules, and conversions,"
        ),
        "{said}"
    );
    let read = |ending: &str| {
        let found = std::fs::read_dir(&reports).unwrap().map(|entry| entry.unwrap().path());
        let path = found.into_iter().find(|path| path.to_string_lossy().ends_with(ending)).unwrap();
        std::fs::read_to_string(path).unwrap()
    };
    let markdown = read(".md");
    for line in [
        "| critical | clear | low, waits | 2 |",
        "| delta | rise, waits | not asked | 1 |",
        "| glucose | 5 | clear 1, low 4 |",
        "| the candidate's own cases | 0 passed, 0 failed, 3 ways through a rule without a case |",
        "signed by Dr. Example",
    ] {
        assert!(markdown.contains(line), "{line}: {markdown}");
    }
    let csv = read(".csv");
    assert!(csv.contains(",EX0004,erba,GLCC,delta,glucose-delta,rise,yes,,not asked,\r\n"), "{csv}");
    assert!(csv.contains(",EX0005,erba,GLCC,critical,glucose,clear,no,glucose,low,yes\r\n"), "{csv}");

    assert!(!csv.contains("conversion"), "they are the same by both: {csv}");
    other_conversions_are_tried_on_it(lab);
    std::fs::write(folder.join("rules.d/own.toml"), rules.replace("\"< 95\"", "\"95\"")).unwrap();
    let wrong = lab.run(&asked);
    assert_eq!(wrong.status.code(), Some(78));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("own.toml:5:7: \"95\" has no operator"));
    let without = ["rules", "replay", "--against", report, "--last", "1d", "--report", report];
    let wrong = lab.run(&without);
    assert_eq!(wrong.status.code(), Some(78));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("it has no rules to try"));

    let journal = rusqlite::Connection::open(lab.path("labwire.db")).unwrap();
    let triggers = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'evaluation'";
    let names: Vec<String> = {
        let mut statement = journal.prepare(triggers).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    names.iter().for_each(|name| journal.execute_batch(&format!("DROP TRIGGER {name}")).unwrap());
    let set_program = |from: &str, to: &str| {
        let text = "UPDATE evaluation SET facts = replace(facts, ?1, ?2) WHERE id = 1 AND facts LIKE '%' || ?1 || '%'";
        assert_eq!(journal.execute(text, [from, to]).unwrap(), 1, "{from}");
        lab.run(&["rules", "replay"])
    };
    let unread = set_program("rules/2", "rules/0");
    let said = String::from_utf8_lossy(&unread.stdout).into_owned();
    assert!(said.contains("1 couldn't be: ") && unread.status.code() == Some(1), "{said}");
    assert_eq!(set_program("rules/0", "rules/1").status.code(), Some(0));
    let unnamed = set_program("\"program\":\"rules/1\",", "");
    assert_eq!(unnamed.status.code(), Some(0), "what doesn't name its program was decided by the first");
    let altered = "UPDATE evaluation SET decisions = replace(decisions, '\"low\"', '\"clear\"') WHERE id =
        (SELECT max(id) FROM evaluation WHERE decisions LIKE '%\"low\"%')";
    assert_eq!(journal.execute(altered, []).unwrap(), 1);
    let noticed = lab.run(&["rules", "replay"]);
    let said = String::from_utf8_lossy(&noticed.stdout).into_owned();
    assert!(said.contains("1 came out otherwise.") && noticed.status.code() == Some(1), "{said}");
}

/// Much the same rules, by which a mole of glucose weighs a tenth of what it does.
fn other_conversions_are_tried_on_it(lab: &Lab) {
    let folder = lab.path("lighter");
    std::fs::create_dir_all(folder.join("rules.d")).unwrap();
    // Where a mole weighs so little, 450 mg/dL is more than any patient has.
    std::fs::write(folder.join("rules.d/own.toml"), CRITICAL.replace("> 450", "> 150")).unwrap();
    let analytes = "[analyte.glucose]\nname = \"Glucose\"\nloinc = [\"2345-7\", \"14749-6\"]\nreported_loinc = \"14749-6\"\n\
        unit = \"mmol/L\"\ndecimals = 1\nfrom = [\"mg/dL\"]\nmolar_mass = \"18.0156\"\n\
        molar_mass_sources = [\"a test\", \"another\"]\nabsurd_below = \"0.1\"\nabsurd_above = \"100\"\n";
    std::fs::write(folder.join("analytes.toml"), analytes).unwrap();
    let against = folder.to_str().unwrap();
    let said = lab.text(&["rules", "replay", "--against", against, "--last", "1d", "--report", against]);
    assert!(
        said.contains("5 results were compared (0 couldn't be), 5 would be decided otherwise."),
        "{said}"
    );
    assert!(said.contains("isn't counted."), "{said}");
    let read = |ending: &str| {
        let found = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        let path = found.into_iter().find(|path| path.to_string_lossy().ends_with(ending)).unwrap();
        std::fs::read_to_string(path).unwrap()
    };
    let (markdown, csv) = (read(".md"), read(".csv"));
    assert!(markdown.contains("| conversion | GLCC in mmol/L, 1 decimals"), "{markdown}");
    assert!(markdown.contains(", another number | 5 |"), "{markdown}");
    assert!(markdown.contains("| held for conversion | no | absurd-value, waits | 1 |"), "{markdown}");
    assert!(
        csv.contains(",EX0001,erba,GLCC,conversion,,\"1.7 mmol/L") && csv.contains("16.7 mmol/L"),
        "{csv}"
    );
    assert!(csv.contains(",EX0004,erba,GLCC,held for conversion,,no,no,,absurd-value,yes\r\n"), "{csv}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unit_that_was_named_since_is_no_difference_of_the_rules() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "release = \"hold-exceptions\"\n");
    let named = format!("{}{CODES}", listener(free_port()));
    let address = free_port();
    let unnamed = format!("{}{CODES}[units]\n\"mg/dl\" = \"mmol\"\n", listener(address));
    lab.instrument("erba", "erba-xl", "", &unnamed);
    rules(&lab, CRITICAL);
    let gateway = lab.start().await;
    lab.sign();
    send(address, &glucose("EX0001", "30.0", "F", "20260102030405")).await;
    until("it can't be converted", || lab.text(&["held"]).contains("EX0001")).await;
    assert!(gateway.terminate().success());
    lab.instrument("erba", "erba-xl", "", &named);
    let folder = lab.path("same");
    std::fs::create_dir_all(folder.join("rules.d")).unwrap();
    std::fs::write(folder.join("rules.d/own.toml"), format!("{CRITICAL}# the same\n")).unwrap();
    let against = folder.to_str().unwrap();
    let said = lab.text(&["rules", "replay", "--against", against, "--last", "1d", "--report", against]);
    let alike = "1 results were compared (0 couldn't be), 0 would be decided otherwise.";
    assert!(said.contains(alike), "{said}");
    std::fs::write(folder.join("rules.d/own.toml"), CRITICAL.replace("< 40", "< 20")).unwrap();
    let said = lab.text(&["rules", "replay", "--against", against, "--last", "1d", "--report", against]);
    assert!(said.contains(", 1 would be decided otherwise."), "by the unit as it is named now: {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destination_that_verifies_itself_gets_everything_and_what_is_critical_first() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let address = free_port();
    lab.instrument("erba", "erba-xl", "", &format!("{}{CODES}", listener(address)));
    rules(&lab, CRITICAL);
    let gateway = lab.start().await;
    lab.sign();
    send(address, &glucose("EX0001", "30.0", "F", "20260102030405")).await;
    until("the LIMS has it", || lab.count("accepted") == 1).await;
    let journal = rusqlite::Connection::open(lab.path("labwire.db")).unwrap();
    let urgency: i64 = journal.query_row("SELECT priority FROM ledger", [], |row| row.get(0)).unwrap();
    assert_eq!(urgency, 0);
    assert!(gateway.terminate().success());
    lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn only_signers_sign_and_what_is_suspended_waits_until_it_is_no_more() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "release = \"hold-exceptions\"\n");
    let address = free_port();
    lab.instrument("erba", "erba-xl", "", &format!("{}{CODES}", listener(address)));
    rules(&lab, CRITICAL);
    let site = std::fs::read_to_string(lab.path("labwire.toml")).unwrap();
    let with = |more: &str| std::fs::write(lab.path("labwire.toml"), format!("{site}{more}")).unwrap();
    with("[rules]\nsigners = [\"nobody-here\"]\n");
    let gateway = lab.start().await;
    let said = lab.text(&[
        "rules",
        "sign",
        "--by",
        "Dr. Example",
        "--statement",
        "checked",
        "--untried-because",
        "a test",
    ]);
    assert!(said.contains("may not put rules in force"), "{said}");
    assert!(gateway.terminate().success());

    with("[[suspend]]\ntests = [\"GLC*\"]\nreason = \"the lamp is old\"\n");
    let gateway = lab.start().await;
    lab.sign();
    send(address, &glucose("EX0001", "90.0", "F", "20260102030405")).await;
    until("it waits", || lab.count("held") == 1).await;
    assert!(lab.text(&["held"]).contains("suspended: the lamp is old"), "{}", lab.text(&["held"]));
    let status = lab.text(&["status"]);
    assert!(status.contains("tests GLC* of all analyzers: the lamp is old"), "{status}");
    assert!(!lab.text(&["check"]).contains("[[suspend]]"), "{}", lab.text(&["check"]));
    assert!(gateway.terminate().success());

    with("");
    let gateway = lab.start().await;
    until("it leaves", || lab.count("accepted") == 1).await;
    assert!(gateway.terminate().success());
    lab.must_balance();
}

/// A result whose message says that it was made so many minutes from now.
fn made(specimen: &str, value: &str, minutes: i64) -> String {
    let then = labwire::clock::now() + jiff::SignedDuration::from_mins(minutes);
    of_patient(specimen, value, &then.strftime("%Y%m%d%H%M%S").to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_off_is_told_and_no_change_over_time_is_judged_by_it() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let address = free_port();
    let limit = "clock_limit_mins = 15\n";
    lab.instrument("erba", "erba-xl", limit, &format!("{}{CODES}", listener(address)));
    rules(&lab, CRITICAL);
    let gateway = lab.start().await;
    lab.sign();
    send(address, &made("EX0001", "90.0", -4)).await;
    send(address, &made("EX0002", "300", -3)).await;
    until("both are there", || lab.count("accepted") == 2).await;
    assert!(lab.text(&["trace", "EX0002"]).contains("delta: rise"), "{}", lab.text(&["trace", "EX0002"]));
    send(address, &made("EX0003", "500", 40)).await;
    until("nothing is held by it", || lab.count("accepted") == 3).await;
    let trace = lab.text(&["trace", "EX0003"]);
    assert!(
        trace.contains("delta: not evaluated: the time of measurement isn't known beyond doubt")
            && trace.contains("critical: high"),
        "{trace}"
    );
    let problems = lab.text(&["problems"]);
    let minutes = ["39", "40"].map(|minutes| format!("the analyzer's clock is {minutes} minutes ahead"));
    assert!(minutes.iter().any(|words| problems.contains(words)), "{problems}");
    send(address, &made("EX0004", "500", 41)).await;
    until("it is told once", || lab.count("accepted") == 4).await;
    assert_eq!(lab.text(&["problems"]).matches("clock-off").count(), 1);
    send(address, &made("EX0005", "91.0", 0)).await;
    until("it was set right", || lab.count("accepted") == 5).await;
    let trace = lab.text(&["trace", "EX0005"]);
    assert!(trace.contains("delta: fall"), "the time counts again: {trace}");
    assert!(gateway.terminate().success());
    lab.must_balance();
}

/// Two results of one tube that come with one patient number and two sexes.
fn contradicting(specimen: &str, first: [&str; 3], second: [&str; 3]) -> String {
    use std::fmt::Write;
    let time = "20260102030405";
    let mut text = format!("H|`^&||||||||||P|E 1394-97|{time}\r");
    for (number, [sex, code, value]) in (1..).zip([first, second]) {
        write!(
            text,
            "P|{number}|EX-7|||Example^Anna||19700131|{sex}\rO|1|{specimen}||^^^{code}|||||||||||SERUM\r\
             R|1|^^^{code}|{value}|mg/dl||N||F||||{time}\r"
        )
        .unwrap();
    }
    text + "L|1|N\r"
}

#[tokio::test(flavor = "multi_thread")]
async fn no_decision_depends_on_where_a_result_stands_in_its_message() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let address = free_port();
    lab.instrument("erba", "erba-xl", "", &format!("{}{CODES}", listener(address)));
    let limit = |name: &str, sex: &str, high: &str| {
        format!(
            "[[critical]]\nname = \"{name}\"\nanalyte = \"glucose\"\nunit = \"mg/dL\"\nhigh = \"> {high}\"\n\
             sex = \"{sex}\"\nsource = \"a test\"\n"
        )
    };
    let identity = "[[identity]]\nname = \"who\"\nsource = \"a test\"\n";
    rules(&lab, &format!("{}{}{identity}", limit("her", "female", "450"), limit("his", "male", "400")));
    let gateway = lab.start().await;
    let (hers, his) = (["F", "GLCC", "420"], ["M", "CREA", "1.1"]);
    send(address, &contradicting("EX0001", hers, his)).await;
    send(address, &contradicting("EX0002", his, hers)).await;
    until("all are judged", || lab.reader().evaluations(0, 10).unwrap().len() == 4).await;
    let all = lab.reader().evaluations(0, 10).unwrap();
    let decided = |specimen: &str| -> std::collections::BTreeMap<String, Vec<String>> {
        let of_it = all.iter().filter(|it| it.case.specimen.number.reveal() == specimen);
        of_it
            .map(|it| (it.case.measured.code.clone(), it.decisions.iter().map(ToString::to_string).collect()))
            .collect()
    };
    assert_eq!(decided("EX0001"), decided("EX0002"));
    let glucose = decided("EX0001")["GLCC"].join("\n");
    assert!(glucose.contains("critical: undecided"), "neither sex is the patient's: {glucose}");
    assert!(glucose.contains("identity: found"), "{glucose}");
    assert!(gateway.terminate().success());
    lab.must_balance();
}

/// A final potassium by HL7, of a patient whose number says who assigned it; returns once it is acknowledged.
async fn of_authority(address: std::net::SocketAddr, number: &str, specimen: &str, value: &str, time: &str) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let message = format!(
        "\x0BMSH|^~\\&|SIM|LAB|||20260102||ORU^R01|{specimen}|P|2.5.1\rPID|1||{number}\rOBR|1||{specimen}\r\
         OBX|1|NM|GLCC||{value}|mg/dL|||||F|||{time}\r\x1C\r"
    );
    let mut line = connect(address).await;
    line.write_all(message.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\x1C\r") {
        answer.push(line.read_u8().await.unwrap());
    }
    assert!(String::from_utf8_lossy(&answer).contains("MSA|AA|"), "{answer:?}");
}

/// One number of these two authorities is two patients', of whom the first comes again at the end.
async fn has_two_patients_of_one_number(one: &str, other: &str) {
    let lims = lims().await;
    let lab = Lab::new(&lims, "release = \"hold-exceptions\"\n");
    let address = free_port();
    lab.instrument("chem", "generic-hl7", "", &format!("{}{CODES}", listener(address)));
    rules(&lab, CRITICAL);
    let gateway = lab.start().await;
    lab.sign();
    let (one, other) = (format!("55^^^{one}"), format!("55^^^{other}"));
    of_authority(address, &one, "EX0001", "90", "20260102030405").await;
    until("the first leaves", || lab.count("accepted") == 1).await;
    of_authority(address, &other, "EX0002", "210", "20260102040405").await;
    until("it is another patient's", || lab.count("accepted") == 2).await;
    let trace = lab.text(&["trace", "EX0002"]);
    assert!(trace.contains("delta: not evaluated: there is no earlier value of this patient"), "{trace}");
    of_authority(address, &one, "EX0003", "210", "20260102050405").await;
    until("it is the first's", || lab.text(&["held"]).contains("EX0003")).await;
    let trace = lab.text(&["trace", "EX0003"]);
    assert!(trace.contains("delta: rise; by glucose-delta"), "{trace}");
    assert!(gateway.terminate().success());
    lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_patients_whose_numbers_are_alike_share_no_history_where_the_analyzer_says_who_assigned_them() {
    has_two_patients_of_one_number("HOSP", "CLINIC").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_authorities_of_one_name_and_two_identifiers_have_two_patients_of_one_number() {
    has_two_patients_of_one_number("HOSP&1.2.3&ISO", "HOSP&1.2.4&ISO").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_comes_in_a_later_message_is_told_of_a_result_that_has_left() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "release = \"hold-exceptions\"\n");
    let address = free_port();
    let codes = format!("{CODES}[codes.HEM]\nlims_code = \"HEM\"\n");
    lab.instrument("erba", "erba-xl", "", &format!("{}{codes}", listener(address)));
    rules(
        &lab,
        "[[index]]\nname = \"haemolysis\"\nanalytes = [\"glucose\"]\ncodes = [\"HEM\"]\nlimit = \">= 2\"\nsource = \"a test\"\n",
    );
    let gateway = lab.start().await;
    lab.sign();
    let alone = |specimen: &str, code: &str, value: &str, time: &str| {
        chemistry(specimen, &[(code, value)], "F", time)
    };
    for specimen in ["EX0001", "EX0002"] {
        send(address, &alone(specimen, "GLCC", "90", "20260102030405")).await;
    }
    until("both have left", || lab.count("accepted") == 2).await;
    send(address, &alone("EX0002", "HEM", "1", "20260102030505")).await;
    until("an index that is low says nothing", || lab.count("accepted") == 3).await;
    send(address, &alone("EX0001", "HEM", "4", "20260102030605")).await;
    until("it is told", || lab.text(&["problems"]).contains("found-later")).await;
    let problems = lab.text(&["problems"]);
    assert!(
        problems.contains("EX0001") && problems.contains("observation 1, GLCC, has left: index: found"),
        "{problems}"
    );
    assert!(!problems.contains("EX0002"), "{problems}");
    until("what was sent stays", || lab.count("accepted") == 4).await;
    assert!(gateway.terminate().success());
    lab.must_balance();
    assert_eq!(lab.reader().deep_imbalances().unwrap(), [""; 0]);
    assert!(decided_again(&lab) >= 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_is_told_once_wherever_the_gateway_is_killed_after_it_was_acknowledged() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "release = \"hold-exceptions\"\n");
    let address = free_port();
    let codes = format!("{CODES}[codes.HEM]\nlims_code = \"HEM\"\n");
    lab.instrument("erba", "erba-xl", "", &format!("{}{codes}", listener(address)));
    rules(
        &lab,
        "[[index]]\nname = \"haemolysis\"\nanalytes = [\"glucose\"]\ncodes = [\"HEM\"]\nlimit = \">= 2\"\nsource = \"a test\"\n",
    );
    let mut gateway = lab.start().await;
    lab.sign();
    let specimens = [0, 2, 4, 8, 16, 32].map(|delay| (format!("EX10{delay:02}"), delay));
    for (specimen, _) in &specimens {
        send(address, &glucose(specimen, "90", "F", "20260102030405")).await;
    }
    until("all have left", || lab.count("accepted") == 6).await;
    for (specimen, delay) in &specimens {
        send(address, &chemistry(specimen, &[("HEM", "4")], "F", "20260102030605")).await;
        tokio::time::sleep(std::time::Duration::from_millis(*delay)).await;
        gateway.kill();
        gateway = lab.start().await;
    }
    until("each is told", || lab.text(&["problems"]).matches("found-later").count() >= 6).await;
    until("nothing is left to judge", || lab.reader().beside_due(10).unwrap().is_empty()).await;
    assert_eq!(lab.text(&["problems"]).matches("found-later").count(), 6, "{}", lab.text(&["problems"]));
    assert!(gateway.terminate().success());
    lab.must_balance();
}

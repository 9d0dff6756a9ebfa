//! What real analyzers asked, played into the gateway's own listener frame by frame, is answered from the LIMS's orders as
//! their hosts answered it, field by field; what they withdrew gets no answer. Where the captures are absent this says so.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use labsim::analyzer::{Analyzer, Options, Timing};
use labsim::frame::Framing;
use tokio::net::TcpStream;

use crate::captures::{Ordered, corpus, field, ordered, records, shown};
use crate::support::*;
use crate::teller::*;
use labwire_astm::record::{Kind, Message};

/// A model whose queries were captured.
struct Model {
    folder: &'static str,
    profile: &'static str,
    /// What stands before and behind a code where an order names it.
    around: (&'static str, &'static str),
    /// What it calls the specimens of the captures, where it says so.
    specimen_kind: &'static str,
    /// What the names of its queries' files begin with, and those of the replies.
    files: (&'static [&'static str], &'static [&'static str]),
    /// How many queries are answered, at the least.
    least: usize,
}

const MODELS: [Model; 3] = [
    Model {
        folder: "ortho_vitros_3600",
        profile: "ortho-vitros-3600",
        around: ("^^^1.0000+", "+1.0"),
        specimen_kind: "5",
        files: (
            &["2020-11-21-11-10-01", "out_2020-11-21-13-10-55"],
            &["2020-11-21-11-10-02", "out_2020-11-21-13-10-56"],
        ),
        least: 2,
    },
    Model {
        folder: "beckman_unicel_dxh",
        profile: "beckman-dxh",
        around: ("!!!", ""),
        specimen_kind: "Whole blood",
        files: (&["requests_"], &["orders_"]),
        least: 10,
    },
    Model {
        folder: "siemens_advia_centaur_xp",
        profile: "siemens-centaur-xp",
        around: ("^^^", ""),
        specimen_kind: "",
        files: (&["requests_"], &["orders_"]),
        least: 10,
    },
];

/// What stands in a folder and begins so, in its order.
fn files(folder: &Path, begins: &[&str]) -> Vec<PathBuf> {
    let is_one = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        begins.iter().any(|begin| name.starts_with(begin))
    };
    let all = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = all.filter(is_one).collect();
    files.sort();
    assert!(!files.is_empty(), "{} holds none of {begins:?}", folder.display());
    files
}

/// A laboratory with one model more, and lines to it and from the LIMS.
struct Talk {
    _results: labsim::lims::Lims,
    lab: Lab,
    _gateway: Gateway,
    lims: Teller,
    line: Analyzer<TcpStream>,
    said: usize,
}

impl Talk {
    async fn open(profile: &str, tables: &str, own: Option<(&str, &str)>) -> Talk {
        let (results, lab, _, orders) = laboratory().await;
        let address = free_port();
        if let Some((name, text)) = own {
            fs::create_dir_all(lab.path("profiles.d")).unwrap();
            fs::write(lab.path(&format!("profiles.d/{name}.toml")), text).unwrap();
        }
        lab.instrument("model", profile, "", &(listener(address) + tables));
        let gateway = lab.start().await;
        let options = Options {
            timing: Timing { answer: Duration::from_secs(60), ..Timing::default() },
            ..Options::default()
        };
        let line = Analyzer::new(connect(address).await, options);
        Talk { _results: results, _gateway: gateway, lims: Teller::connect(orders).await, lab, line, said: 0 }
    }

    /// Has the LIMS place or take back what a captured reply says of a tube.
    async fn order(&mut self, control: &str, tube: &str, it: &Ordered) {
        use std::fmt::Write;
        self.said += 1;
        let born: String = it.birth_date.chars().take_while(char::is_ascii_digit).collect();
        let mut text = format!(
            "MSH|^~\\&|LIMS|HOSP|labwire||20260501080000||OML^O33^OML_O33|{}|P|2.5.1\rPID|1||{}||{}||{born}|{}\r\
             SPM|1|{tube}||KIND|||||||||||||{}\r",
            self.said, it.patient_id, it.name, it.sex, it.collected
        );
        for test in &it.tests {
            let number = format!("{tube}-{test}");
            let priority = &it.priority;
            write!(text, "ORC|{control}|{number}\rTQ1|||||||||{priority}\rOBR|1|{number}||LIMS-{test}\r")
                .unwrap();
        }
        let told = self.lims.tell(&text).await;
        assert!(told.contains("/MSA|AA|"), "{told}");
    }

    /// Plays a query as it was captured.
    async fn play(&mut self, query: &[u8]) {
        for transfer in labsim::capture::read(query, Framing::default()) {
            let report = self.line.transfer_parts(&transfer.messages).await;
            assert!(report.is_complete(), "{report:?}");
        }
    }

    async fn ask(&mut self, query: &[u8]) -> Vec<u8> {
        self.play(query).await;
        self.line.receive(Duration::from_secs(60)).await.unwrap()
    }

    /// Plays a query that is withdrawn: it is noted as that. What comes next on the line is the next answer.
    async fn withdraw(&mut self, query: &[u8]) {
        let withdrawn = |lab: &Lab| {
            let asked = lab.reader().host_queries(1_000).unwrap();
            asked.iter().filter(|it| it.answer.as_deref() == Some("withdrawn by the analyzer")).count()
        };
        let before = withdrawn(&self.lab);
        self.play(query).await;
        until("it is withdrawn", || withdrawn(&self.lab) == before + 1).await;
    }
}

/// The site's names of a model's codes.
fn tables(codes: &[String], specimen_kind: &str) -> String {
    let mut codes = codes.to_vec();
    codes.sort();
    codes.dedup();
    let mut text: String =
        codes.iter().map(|code| format!("[codes.\"{code}\"]\nlims_code = \"LIMS-{code}\"\n")).collect();
    if !specimen_kind.is_empty() {
        text += &format!("[specimen_kinds]\nKIND = \"{specimen_kind}\"\n");
    }
    text
}

fn tube(message: &[u8], kind: Kind, number: usize, component: usize) -> String {
    let message = Message::parse(message);
    let record = message.records().find(|record| record.kind() == kind);
    let field = record.unwrap().field(number).component(component);
    String::from_utf8_lossy(field.raw()).trim().to_owned()
}

fn withdraws(query: &[u8]) -> bool {
    let message = Message::parse(query);
    let record = message.records().find(|record| record.kind() == Kind::Query);
    field(record, 13).trim() == "A"
}

/// What must be the same of two answers: all of them, but for how a reply spreads one tube's tests over its records.
fn parts(answer: &[u8], (before, after): (&str, &str)) -> (Vec<String>, Vec<String>) {
    let mut tests = Vec::new();
    let mut others = Vec::new();
    for line in shown(answer) {
        let mut fields: Vec<String> = line.split('|').map(str::to_owned).collect();
        let Some(named) = fields.get_mut(4).filter(|_| line.starts_with("O|")) else {
            others.push(line);
            continue;
        };
        let code = |text: &str| text.trim_start_matches(before).trim_end_matches(after).to_owned();
        tests.extend(named.split('\\').map(code));
        named.clear();
        fields.splice(1..2, ["1".to_owned()]);
        let line = fields.join("|");
        if !others.contains(&line) {
            others.push(line);
        }
    }
    tests.sort();
    (others, tests)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_captured_query_is_answered_as_its_host_did_by_the_orders_of_the_lims() {
    let root = match corpus("astm") {
        Ok(root) => root,
        Err(why) => return println!("{why}"),
    };
    for model in MODELS {
        let folder = root.join(model.folder);
        let replies: BTreeMap<String, Vec<u8>> = files(&folder, model.files.1)
            .iter()
            .map(|path| (tube(&records(path), Kind::Order, 3, 1), records(path)))
            .collect();
        // Replies to one tube may differ from one query to the next: the one beside the query counts first.
        let beside: Vec<Vec<u8>> = files(&folder, model.files.1).iter().map(|path| records(path)).collect();
        let mut answered = 0;
        for (number, path) in files(&folder, model.files.0).iter().enumerate() {
            let query = records(path);
            let asked = tube(&query, Kind::Query, 3, 2);
            let near = beside.get(number).filter(|reply| tube(reply, Kind::Order, 3, 1) == asked);
            if withdraws(&query) {
                Talk::open(model.profile, "", None).await.withdraw(&fs::read(path).unwrap()).await;
                continue;
            }
            let Some(reply) = near.or_else(|| replies.get(&asked)) else { continue };
            let wanted = ordered(reply, model.around);
            // Each in a laboratory of its own: an order for a tube that was told before is told as an addition.
            let mut talk = Talk::open(model.profile, &tables(&wanted.tests, model.specimen_kind), None).await;
            talk.order("NW", &asked, &wanted).await;
            let told = talk.ask(&fs::read(path).unwrap()).await;
            assert_eq!(parts(&told, model.around), parts(reply, model.around), "{}", path.display());
            talk.order("CA", &asked, &wanted).await;
            let told = talk.ask(&fs::read(path).unwrap()).await;
            let none = !String::from_utf8_lossy(&told).contains("\rO|");
            assert!(none, "taken back, and told all the same: {}", path.display());
            answered += 1;
        }
        println!("{}: {answered} captured queries answered as their hosts did", model.folder);
        assert!(answered >= model.least, "{} exists, but nothing of it was answered", model.folder);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_captured_withdrawal_gets_no_answer_though_its_host_gave_one() {
    let root = match corpus("astm") {
        Ok(root) => root,
        Err(why) => return println!("{why}"),
    };
    let folder = root.join("ortho_vitros_3600");
    let read = |begins: &'static str| fs::read(files(&folder, &[begins]).first().unwrap()).unwrap();
    let around = ("^^^1.0000+", "+1.0");
    for (query, cancel, reply) in [
        ("2020-11-21-11-10-01", "2020-11-21-11-10-11", "2020-11-21-11-10-12"),
        ("out_2020-11-21-13-10-55", "out_2020-11-21-13-11-05", "out_2020-11-21-13-11-06"),
    ] {
        // The host told the same orders again, after they weren't wanted any more.
        let reply = records(files(&folder, &[reply]).first().unwrap());
        let wanted = ordered(&reply, around);
        let mut talk = Talk::open("ortho-vitros-3600", &tables(&wanted.tests, "5"), None).await;
        talk.order("NW", &tube(&reply, Kind::Order, 3, 1), &wanted).await;
        let told = talk.ask(&read(query)).await;
        assert_eq!(parts(&told, around), parts(&reply, around));
        talk.withdraw(&read(cancel)).await;
        // The control: another order comes first, so that an answer to what was withdrawn would be seen as one.
        talk.order("CA", &tube(&reply, Kind::Order, 3, 1), &wanted).await;
        let told = talk.ask(&read(query)).await;
        assert!(
            String::from_utf8_lossy(&told).ends_with("L|1|I\r"),
            "the first on the line is the next answer"
        );
    }
}

/// The conventions of a cobas e 411's host queries, as its manual's examples show them; a site's own profile.
const E411: &str = r#"
name = "cobas-e411"
revision = 1
vendor = "Roche"
model = "cobas e 411"
records = "HPOQL"
note = "The host queries alone, by the examples of the operator's manual."
[sources]
manual = "the operator's manual, examples of host queries"
[query]
test = "^^^{code}^"
patience_secs = 15
[[query.no_orders]]
record = "H"
fields = { 12 = "P" }
[[query.no_orders]]
record = "P"
fields = { 2 = "{sequence}" }
[[query.no_orders]]
record = "O"
fields = { 2 = "1", 3 = "{specimen}", 4 = "{after_specimen}", 6 = "R", 12 = "N", 26 = "Z" }
[[query.no_orders]]
record = "L"
fields = { 2 = "1" }
[[query.orders]]
record = "H"
fields = { 12 = "P" }
[[query.orders]]
record = "P"
fields = { 2 = "{sequence}" }
[[query.orders]]
record = "O"
fields = { 2 = "1", 3 = "{specimen}", 4 = "{after_specimen}", 5 = "{tests}", 6 = "{priority}", 12 = "N", 26 = "Q" }
[[query.orders]]
record = "L"
fields = { 2 = "1" }
"#;

#[tokio::test(flavor = "multi_thread")]
async fn the_examples_of_the_e_411_are_answered_as_its_manual_answers_them() {
    let root = match corpus("astm") {
        Ok(root) => root,
        Err(why) => return println!("{why}"),
    };
    let folder = root.join("roche_cobas_e411");
    let read = |name: &'static str| fs::read(files(&folder, &[name]).first().unwrap()).unwrap();
    let reply = |name: &'static str| records(files(&folder, &[name]).first().unwrap());
    // A dilution, which the manual's example names for one test, is never ordered by a LIMS here.
    let orders = String::from_utf8(reply("reply_orders")).unwrap().replace("^^^30^2", "^^^30^");
    let wanted = Ordered {
        tests: ["10", "30", "40"].map(str::to_owned).to_vec(),
        priority: "R".to_owned(),
        patient_id: "EX77".to_owned(),
        name: "Example^Anna".to_owned(),
        specimen_kind: String::new(),
        collected: String::new(),
        birth_date: String::new(),
        sex: String::new(),
    };
    let mut talk = Talk::open("cobas-e411", &tables(&wanted.tests, ""), Some(("cobas-e411", E411))).await;
    assert_eq!(shown(&talk.ask(&read("query.astm")).await), shown(&reply("reply_no_order")), "unknown");
    talk.order("NW", "000004", &wanted).await;
    // Rack and position come back as they were asked: they stand in the field that is compared.
    assert_eq!(shown(&talk.ask(&read("query.astm")).await), shown(orders.as_bytes()));
    talk.withdraw(&read("query_cancel")).await;
    talk.order("CA", "000004", &wanted).await;
    assert_eq!(shown(&talk.ask(&read("query.astm")).await), shown(&reply("reply_no_order")), "taken back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_captured_query_for_several_tubes_gets_each_that_has_work_and_no_other() {
    let root = match corpus("astm") {
        Ok(root) => root,
        Err(why) => return println!("{why}"),
    };
    let path = root.join("erba_xl_series/multisamplequery.astm");
    let query = records(&path);
    let wanted = Ordered {
        tests: vec!["GLCC".to_owned()],
        priority: "R".to_owned(),
        patient_id: "EX77".to_owned(),
        name: String::new(),
        specimen_kind: String::new(),
        collected: String::new(),
        birth_date: String::new(),
        sex: String::new(),
    };
    let mut talk = Talk::open("erba-xl", &tables(&wanted.tests, ""), None).await;
    // The last is nobody's question.
    for tube in ["1007149", "1007150", "1007148", "1007147"] {
        talk.order("NW", tube, &wanted).await;
    }
    let told = String::from_utf8(talk.ask(&query).await).unwrap();
    let tubes: Vec<String> = crate::teller::told(&told).into_iter().map(|(tube, _)| tube).collect();
    assert_eq!(tubes, ["1007149", "1007150", "1007148"], "in the order in which they were asked for");
}

/// The codes of a capture's results.
fn reported(capture: &[u8]) -> Vec<String> {
    let message = Message::parse(capture);
    let results = message.records().filter(|record| record.kind() == Kind::Result);
    results.map(|it| String::from_utf8_lossy(it.field(3).component(4).raw()).into_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn captured_results_of_a_panel_belong_to_its_order_and_without_the_panel_to_none() {
    let root = match corpus("astm") {
        Ok(root) => root,
        Err(why) => return println!("{why}"),
    };
    let path = files(&root.join("beckman_unicel_dxh"), &["results_"]).remove(0);
    let capture = labsim::capture::messages(&fs::read(&path).unwrap()).concat();
    let (tube, codes) = (tube(&capture, Kind::Order, 3, 1), reported(&capture));
    assert!(codes.len() > 20, "{}: {codes:?}", path.display());
    for is_panel in [true, false] {
        let (_results, lab, _, orders) = laboratory().await;
        let address = free_port();
        let panel = match is_panel {
            true => format!("[panels.FBC]\ncomponents = {codes:?}\ntold_as = \"CD\"\n"),
            false => "[codes.CD]\nlims_code = \"FBC\"\n".to_owned(),
        };
        lab.instrument("dxh", "beckman-dxh", "unordered = \"hold\"", &(listener(address) + &panel));
        let _gateway = lab.start().await;
        let mut lims = Teller::connect(orders).await;
        lims.tell(&oml("1", &tube, &[("NW", "P1", "FBC")])).await;
        let query = format!("H|\\!~|||DxH|||||LIS||P|LIS2-A|20260501\rQ|1|!{tube}||ALL||||||||O\rL|1|N\r");
        let told = analyzer(address).await.query(query.as_bytes()).await.unwrap();
        assert!(String::from_utf8_lossy(&told).contains("|!!!CD|"), "told by its name either way");
        send(address, &String::from_utf8_lossy(&capture)).await;
        let held = || lab.reader().held(100).unwrap();
        let accepted = || usize::try_from(lab.count("accepted")).unwrap();
        until("all are read", || held().len() + accepted() == codes.len()).await;
        let unordered = held().iter().filter(|it| it.reasons.iter().any(|why| why == "not-ordered")).count();
        assert_eq!(unordered, if is_panel { 0 } else { codes.len() }, "{:?}", held());
        assert_eq!(accepted() > 0, is_panel);
        if is_panel {
            let sent = lab.text(&["trace", &tube, "--raw"]);
            assert_eq!(sent.matches("\"placer\":\"P1\"").count(), accepted(), "{sent}");
        }
    }
}

/// The messages of one kind in the folder, with CR behind each segment.
fn messages(root: &Path, kinds: &[&str]) -> Vec<(PathBuf, String)> {
    let folders = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    let paths = folders.flat_map(|folder| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()));
    let mut found = Vec::new();
    for path in paths {
        let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
        let text = text.replace("\r\n", "\r").replace('\n', "\r");
        let kind = text.split('|').nth(8).unwrap_or_default();
        if text.starts_with("MSH|") && kinds.iter().any(|it| kind.starts_with(it)) {
            found.push((path, text.trim_end_matches('\r').to_owned() + "\r"));
        }
    }
    found.sort();
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_captured_query_of_law_gets_its_answer_and_a_work_order_that_any_reader_of_the_standard_takes() {
    let root = match corpus("hl7") {
        Ok(root) => root,
        Err(why) => return println!("{why}"),
    };
    let queries = messages(&root, &["QBP^Q11"]);
    assert!(!queries.is_empty(), "the folder of messages exists, but holds no query");
    for (path, query) in queries {
        let (_results, lab, _, orders) = laboratory().await;
        let cobas = free_port();
        let codes = "[codes.10020]\nlims_code = \"TSH\"\n";
        lab.instrument("cobas", "roche-cobas-pro", "", &(listener(cobas) + codes));
        let _gateway = lab.start().await;
        let asked: Vec<&str> =
            query.split('\r').find(|line| line.starts_with("QPD|")).unwrap().split('|').collect();
        let (tag, tube, rack, position) = (asked[2], asked[3], asked[4], asked[5]);
        let mut lims = Teller::connect(orders).await;
        lims.tell(&oml("1", tube, &[("NW", "P1", "TSH"), ("NW", "P2", "ELSEWHERE")])).await;
        let mut line = Teller::connect(cobas).await;
        let answer = line.tell(&query).await;
        let echoed = format!("/{}/", asked.join("|"));
        for part in ["|RSP^K11^RSP_K11|", "/MSA|AA|", &format!("/QAK|{tag}|OK|"), &echoed] {
            assert!(answer.contains(part), "{}: {part}: {answer}", path.display());
        }
        let work = line.hear().await;
        for part in [
            "|OML^O33^OML_O33|".to_owned(),
            format!("/SPM|1|{tube}|"),
            format!("/SAC|||{tube}|||||||{rack}|{position}/"),
            "/ORC|NW|".to_owned(),
            "||10020/".to_owned(),
        ] {
            assert!(work.contains(&part), "{part}: {work}");
        }
        assert_eq!(work.matches("/OBR|").count(), 1, "{work}");
        let id = work.split('|').nth(9).unwrap();
        let taken = format!(
            "\x0BMSH|^~\\&|cobas pro||host||2026||ORL^O34^ORL_O42|R1|P|2.5.1|||NE|NE||UNICODE UTF-8|||LAB-28R^ROCHE\rMSA|AA|{id}\r\x1C\r"
        );
        tokio::io::AsyncWriteExt::write_all(&mut line.line, taken.as_bytes()).await.unwrap();
        until("it is noted as taken", || {
            crate::answers(&lab).iter().any(|it| it == "orders: 1 test; delivered")
        })
        .await;
        // Our own work order, read by the reader of the LIMS's: the tube and the test that were meant.
        let read = lims.tell(&work.replace('/', "\r").replace(&format!("|{tube}|"), "|OTHER-TUBE|")).await;
        assert!(read.contains("|ORL^O34^ORL_O34|") && read.contains("/MSA|AA|"), "{read}");
        let known = lab.reader().orders_on(&labwire::domain::SpecimenId::new("OTHER-TUBE")).unwrap();
        assert_eq!(known.iter().map(|it| it.order.key.test.as_str()).collect::<Vec<_>>(), ["10020"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_captured_order_message_is_answered_and_none_without_a_specimen_makes_a_tube_known() {
    let root = match corpus("hl7") {
        Ok(root) => root,
        Err(why) => return println!("{why}"),
    };
    let orders = messages(&root, &["ORM^O01", "OML^O"]);
    assert!(!orders.is_empty(), "the folder of messages exists, but holds no order");
    let (_results, lab, _, address) = laboratory().await;
    let _gateway = lab.start().await;
    let mut lims = Teller::connect(address).await;
    for (path, text) in &orders {
        let answer = lims.tell(text).await;
        // None names a specimen. Who asks for a commit alone hears that it is in safe storage.
        let code = if text.split('\r').next().unwrap().contains("|AL|") { "CA" } else { "AE" };
        assert!(answer.contains(&format!("/MSA|{code}|")), "{}: {answer}", path.display());
        assert!(["\rSPM|", "\rSAC|"].iter().all(|segment| !text.contains(segment)), "{}", path.display());
    }
    println!("{} captured order messages answered", orders.len());
    assert!(lab.text(&["problems"]).contains("unreadable-order"), "what can't be used is shown");
}

//! A port listens to simulated lines of every usual setting, saying what analyzers say, with pauses, sparks and clocks that are
//! off. The lines are those of the simulator, which shares no code with what is tried here.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop at the first surprise")]

use std::collections::BTreeMap;
use std::time::Duration;

use labsim::chance::Chance;
use labsim::frame;
use labsim::generate::{Generator, Style};
use labsim::uart::{self, Cable, Marking, OtherEnd, Sender, Speaks, Wire, handed_over};
use labwire_hearing::{Belief, Errors, Heard, Parity, Setting, Unmarked, Verdict};

/// What an analyzer says in one transmission, in parts between which it falls silent.
type Transmission = Vec<Vec<u8>>;

const CONTENTS: [&str; 7] = [
    "ASTM frames",
    "ENQ and EOT",
    "ENQ alone",
    "ASTM without checksums",
    "HL7 in blocks",
    "HL7 bare",
    "printed",
];

fn transmission(content: &str, generator: &mut Generator, chance: &mut Chance) -> Transmission {
    let records = |style, seed| Generator::new(style, seed).message().records;
    let styles = [Style::Vitros3600, Style::ErbaXl, Style::UnicelDxh, Style::CentaurXp, Style::Architect];
    let style = styles[chance.below(5) as usize];
    let seed = chance.below(1000);
    let astm = || records(style, seed);
    let hl7 = |generator: &mut Generator| generator.message().records;
    match content {
        "ENQ alone" => vec![vec![0x05]],
        "ENQ and EOT" => vec![vec![0x05], vec![0x04]],
        "HL7 bare" => vec![hl7(generator)],
        "HL7 in blocks" => vec![[&b"\x0b"[..], &hl7(generator), b"\x1c\r"].concat()],
        "printed" => vec![printed(chance)],
        _ => {
            let mut parts = vec![vec![0x05]];
            for (number, part) in (1..).zip(frame::cut(&astm(), style.framing())) {
                let whole = frame::emit(number, &part);
                let bare = || [&whole[..whole.len() - 4], b"\r\n"].concat();
                parts.push(if content == "ASTM frames" { whole.clone() } else { bare() });
            }
            parts.push(vec![0x04]);
            parts
        }
    }
}

fn printed(chance: &mut Chance) -> Vec<u8> {
    let mut text = format!(
        "\r\n  SAMPLE {:>8}    {:02}.11.2026\r\n\r\n",
        chance.below(99_999_999),
        chance.between(1, 28)
    );
    for test in ["GLUC", "Na", "K+", "Urea", "Crea", "ALAT (GPT)"] {
        text += &format!(
            "  {test:<12}{:>6}.{}  mmol/l  {}\r\n",
            chance.below(200),
            chance.below(10),
            chance.pick(&["", "H", "L"])
        );
    }
    text.into_bytes()
}

/// What a program reads with INPCK and PARMRK.
fn unmarked(bytes: &[u8]) -> Vec<Heard> {
    Unmarked::default().take(bytes)
}

/// How the line is disturbed.
#[derive(Debug, Clone, Copy)]
enum Line {
    Quiet,
    /// Pauses between characters, as of a slow processor.
    Halting,
    /// Sparks, a clock that is off, and bytes that the analyzer itself spoilt.
    Rough,
}

/// What came of one line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Right,
    /// Told with others that nobody could tell from it, and it is among those.
    RightByConvention,
    Unsure(String),
    Wrong(String),
}

fn simulated(setting: Setting) -> uart::Setting {
    let parity = match setting.parity {
        Parity::None => uart::Parity::None,
        Parity::Even => uart::Parity::Even,
        Parity::Odd => uart::Parity::Odd,
    };
    let Setting { baud, data_bits, stop_bits, .. } = setting;
    uart::Setting { baud, data_bits, parity, stop_bits }
}

/// Listens to so many transmissions of a line; tells after which it was sure.
fn listen(
    belief: &mut Belief,
    truth: Setting,
    content: &str,
    line: Line,
    seed: u64,
    transmissions: usize,
) -> (Outcome, usize) {
    let chance = &mut Chance::seeded_for(seed, &format!("{truth} {content} {line:?}"));
    let mut generator = Generator::new(Style::CobasPro, chance.below(1000));
    let mut sender = Sender::plain(simulated(truth));
    assert_eq!(sender.speaks, Speaks::ByItself);
    let character = Duration::from_secs(u64::from(truth.bits_a_character())) / truth.baud;
    match line {
        Line::Quiet => {}
        Line::Halting => sender.longest_gap = character * 3,
        Line::Rough => {
            sender.fast = i32::try_from(chance.between(0, 20_000)).unwrap() - 10_000;
            sender.longest_gap = if chance.hits(0.5) { character } else { Duration::ZERO };
        }
    }
    belief.forget();
    let mut took = transmissions;
    for number in 1..=transmissions {
        for part in transmission(content, &mut generator, chance) {
            let mut wire = Wire::default();
            wire.idle(Duration::from_millis(20));
            let spoilt: Vec<u8> = part
                .iter()
                .map(
                    |byte| {
                        if matches!(line, Line::Rough) && chance.hits(0.005) { byte ^ 0x10 } else { *byte }
                    },
                )
                .collect();
            sender.say(&spoilt, OtherEnd { is_ready: true, has_spoken: false }, &mut wire, chance);
            wire.idle(Duration::from_millis(20));
            if matches!(line, Line::Rough) {
                wire.strike_often(2.0, chance);
            }
            let port = belief.next();
            let read = uart::read(&wire, simulated(port));
            belief.hear(port, &unmarked(&handed_over(&read, Marking::Marked)));
        }
        if matches!(belief.verdict(), Verdict::Sure(choice) if choice.alike.is_empty()) {
            took = number;
            break;
        }
    }
    let truth = truth.by_convention();
    let outcome = match belief.verdict() {
        Verdict::Sure(choice) if choice.setting == truth => Outcome::Right,
        Verdict::Sure(choice) if choice.alike.contains(&truth) => Outcome::RightByConvention,
        other @ Verdict::Sure(_) => Outcome::Wrong(format!("{other:?}")),
        other => Outcome::Unsure(format!("{other:?}")),
    };
    (outcome, took)
}

/// The forms that are tried; the last two are told as their likes with another number of stop bits.
const FORMS: [(u8, Parity, u8); 8] = [
    (8, Parity::None, 1),
    (7, Parity::Even, 1),
    (7, Parity::Odd, 1),
    (8, Parity::Even, 1),
    (8, Parity::Odd, 1),
    (7, Parity::None, 2),
    (8, Parity::None, 2),
    (7, Parity::Even, 2),
];

#[test]
fn a_lines_setting_is_known_within_three_transmissions() {
    let mut sums: BTreeMap<&str, [u32; 4]> = BTreeMap::new();
    let (mut told, mut transmissions) = (Vec::new(), [0; 4]);
    let mut belief = Belief::new(Errors::Told);
    for baud in uart::USUAL_BAUDS {
        for (data_bits, parity, stop_bits) in FORMS {
            let truth = Setting { baud, data_bits, parity, stop_bits };
            for (content, line) in lines() {
                let (outcome, took) = listen(&mut belief, truth, content, line, 7, 3);
                let at = match &outcome {
                    Outcome::Right => 0,
                    Outcome::RightByConvention => 1,
                    Outcome::Unsure(_) => 2,
                    Outcome::Wrong(_) => 3,
                };
                sums.entry(content).or_default()[at] += 1;
                transmissions[took] += 1;
                if at >= 2 {
                    told.push(format!("{truth}, {content}, {line:?}: {outcome:?}"));
                }
            }
        }
    }
    let all = sums.values().fold([0; 4], |all, some| [0, 1, 2, 3].map(|at| all[at] + some[at]));
    let lines: u32 = all.iter().sum();
    println!("{}", told.join("\n"));
    println!("{lines} lines: right, right by convention, unsure, wrong {all:?}");
    println!("after one, two, three transmissions {:?}; {sums:?}", &transmissions[1..]);
    assert!((all[0] + all[1]) * 100 >= lines * 95, "{all:?} of {lines}");
    assert!(all[3] * 500 <= lines, "{} told wrong", all[3]);
}

fn lines() -> impl Iterator<Item = (&'static str, Line)> {
    let all = CONTENTS.map(|content| [Line::Quiet, Line::Halting, Line::Rough].map(|line| (content, line)));
    all.into_iter().flatten()
}

/// The negative control: a listener that never changes its port's setting knows few of them, and is sure of none that it is
/// wrong about.
#[test]
fn a_port_that_stays_as_it_is_knows_its_own_speed_alone() {
    let mut known = Vec::new();
    for baud in uart::USUAL_BAUDS {
        let truth = Setting { baud, ..Setting::FIRST };
        let mut belief = Belief::new(Errors::Told);
        let mut wire = Wire::default();
        wire.idle(Duration::from_millis(20));
        let mut generator = Generator::new(Style::CobasPro, 3);
        let chance = &mut Chance::seeded(3);
        let other = OtherEnd { is_ready: true, has_spoken: false };
        for _ in 0..3 {
            let text = generator.message().records;
            Sender::plain(simulated(truth)).say(&text, other, &mut wire, chance);
            wire.idle(Duration::from_millis(50));
            let read = uart::read(&wire, simulated(Setting::FIRST));
            belief.hear(Setting::FIRST, &unmarked(&handed_over(&read, Marking::Marked)));
        }
        if let Verdict::Sure(choice) = belief.verdict() {
            assert_eq!(choice.setting, truth);
            known.push(baud);
        }
    }
    assert_eq!(known, [9600]);
}

#[test]
fn of_noise_and_of_a_speed_that_nobody_has_hardly_ever_anything_is_told_for_certain() {
    let (mut told, mut inverted) = (Vec::new(), 0);
    let mut belief = Belief::new(Errors::Told);
    for seed in 0..40 {
        for (cable, baud) in [
            (Cable::NoGround, 2400),
            (Cable::NoGround, 9600),
            (Cable::NoGround, 115_200),
            (Cable::Inverted, 9600),
            (Cable::Inverted, 19_200),
            (Cable::Right, 6000),
            (Cable::Right, 12_000),
            (Cable::Right, 74_880),
            (Cable::Right, 250_000),
        ] {
            belief.forget();
            let chance = &mut Chance::seeded(seed);
            for _ in 0..3 {
                listen_through(cable, baud, &mut belief, chance);
            }
            match belief.verdict() {
                Verdict::Sure(choice) => told.push(format!("{cable:?} {baud} {seed}: {}", choice.setting)),
                Verdict::Inverted { baud: of } if cable == Cable::Inverted && of == baud => inverted += 1,
                _ => {}
            }
        }
    }
    println!(
        "{} of 360 told for certain: {told:#?}; {inverted} of 80 inverted ones known as such",
        told.len()
    );
    assert!(told.len() <= 3, "{told:#?}");
    assert!(inverted >= 60, "{inverted} of 80");
}

/// One transmission of an analyzer at this speed, whatever of it arrives.
fn listen_through(cable: Cable, baud: u32, belief: &mut Belief, chance: &mut Chance) {
    let mut theirs = Wire::default();
    theirs.idle(Duration::from_millis(20));
    let setting = uart::Setting { baud, ..simulated(Setting::FIRST) };
    let text = Generator::new(Style::Vitros3600, chance.below(99)).message().records;
    let other = OtherEnd { is_ready: true, has_spoken: false };
    Sender::plain(setting).say(&text, other, &mut theirs, chance);
    let wire = cable.carries(&theirs, &Wire::default(), chance);
    let port = belief.next();
    let read = uart::read(&wire, simulated(port));
    belief.hear(port, &unmarked(&handed_over(&read, Marking::Marked)));
}

/// Nothing comes through a swapped cable, and nothing of an analyzer that waits to be asked.
#[test]
fn silence_is_told_as_silence() {
    let theirs = Wire::default();
    let heard = Cable::Swapped.carries(&theirs, &Wire::default(), &mut Chance::seeded(1));
    let mut belief = Belief::new(Errors::Told);
    let read = uart::read(&heard, simulated(Setting::FIRST));
    belief.hear(Setting::FIRST, &unmarked(&handed_over(&read, Marking::Marked)));
    assert_eq!(belief.verdict(), Verdict::Silent);
}

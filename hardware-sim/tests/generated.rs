//! Generated messages say what they claim to say, in the shapes of the captures.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that can't go on must fail")]

use std::collections::BTreeSet;

use labsim::frame::{FrameEnd, cut, emit};
use labsim::generate::{Generated, Generator, Moment, Style};

/// What a record says, read by splitting alone.
#[derive(Debug, PartialEq, Eq)]
struct Read {
    specimen: String,
    code: String,
    aspect: String,
    value: String,
    unit: String,
    status: String,
}

fn read(style: Style, message: &Generated) -> Vec<Read> {
    let component = if style == Style::UnicelDxh { '!' } else { '^' };
    let mut specimen = String::new();
    let mut read = Vec::new();
    for record in std::str::from_utf8(&message.records).unwrap().split_terminator('\r') {
        let fields: Vec<&str> = record.split('|').collect();
        match fields[0] {
            "SPM" => specimen = fields[2].split('&').next().unwrap().to_owned(),
            "OBX" if fields[2] == "NM" => read.push(Read {
                specimen: specimen.clone(),
                code: fields[3].split('^').next().unwrap().into(),
                aspect: fields[2].into(),
                value: fields[5].into(),
                unit: fields[6].split('^').next().unwrap().into(),
                status: fields[11].into(),
            }),
            "O" => specimen = fields[2].split(component).next().unwrap().to_owned(),
            "R" => {
                let parts: Vec<&str> = fields[2].split(component).collect();
                let code = match style {
                    Style::Vitros3600 => parts[3].split('+').nth(1).unwrap(),
                    _ => parts[3],
                };
                let aspect = match style {
                    Style::CentaurXp => parts[7],
                    Style::Architect => parts[10],
                    _ => "",
                };
                // The DxH's fields stand one further from the range on.
                let status = if style == Style::UnicelDxh { 9 } else { 8 };
                read.push(Read {
                    specimen: specimen.clone(),
                    code: code.into(),
                    aspect: aspect.into(),
                    value: fields[3].into(),
                    unit: fields[4].into(),
                    status: fields[status].into(),
                });
            }
            _ => {}
        }
    }
    read
}

fn many(style: Style) -> Vec<Generated> {
    let mut generator = Generator::new(style, 7);
    (0..200).map(|_| generator.message()).collect()
}

#[test]
fn each_message_says_what_it_claims_to_say() {
    for style in Style::ALL {
        for message in many(style) {
            let claimed: Vec<Read> = message
                .results
                .iter()
                .map(|result| Read {
                    specimen: result.specimen.clone(),
                    code: result.code.clone(),
                    aspect: result.aspect.clone(),
                    value: result.value.clone(),
                    unit: result.unit.clone(),
                    status: result.status.clone(),
                })
                .collect();
            assert!(!claimed.is_empty());
            assert_eq!(read(style, &message), claimed);
        }
    }
}

#[test]
fn each_message_runs_from_its_header_to_its_last_record() {
    for style in Style::ALL {
        for message in many(style) {
            let text = String::from_utf8(message.records).unwrap();
            let records: Vec<&str> = text.split_terminator('\r').collect();
            let (first, last) = match style {
                Style::Architect => ("H|", "L|1"),
                Style::CobasPro => ("MSH|", "OBX|2|CE"),
                _ => ("H|", "L|1|N"),
            };
            assert!(text.ends_with('\r') && records.first().unwrap().starts_with(first), "{text}");
            assert!(records.last().unwrap().starts_with(last), "{text}");
            assert!(text.chars().all(|c| c == '\r' || (' '..='~').contains(&c)), "{text}");
        }
    }
}

#[test]
fn specimens_are_unique_across_styles_and_seeds() {
    let mut seen = BTreeSet::new();
    for style in Style::ALL {
        for seed in [1, 2, 999] {
            let mut generator = Generator::new(style, seed);
            for _ in 0..100 {
                assert!(seen.insert(generator.message().specimen));
            }
        }
    }
}

#[test]
fn replicates_of_a_test_are_counted() {
    let replicates: BTreeSet<u32> = many(Style::Vitros3600)
        .iter()
        .flat_map(|message| &message.results)
        .filter(|result| result.code == "002")
        .map(|result| result.replicate)
        .collect();
    assert_eq!(replicates, BTreeSet::from([1, 2, 3, 4, 5]));
}

#[test]
fn odd_values_come_up_as_often_as_asked() {
    let odd = |style, share| {
        let mut generator = Generator::new(style, 3).with_odd(share);
        let messages: Vec<Generated> = (0..100).map(|_| generator.message()).collect();
        let text: String = messages.iter().map(|m| String::from_utf8_lossy(&m.records)).collect();
        ["No Result", "||W||", "|NA|", "!  H ", "|<", "> 250.0", "|||X|"].iter().any(|odd| text.contains(odd))
    };
    for style in Style::ALL {
        assert!(odd(style, 1.0), "{style}");
    }
    for style in [Style::YumizenH500, Style::ErbaXl, Style::UnicelDxh, Style::CentaurXp, Style::Architect] {
        assert!(!odd(style, 0.0), "{style}");
    }
}

#[test]
fn the_same_seed_gives_the_same_messages() {
    for style in Style::ALL {
        assert_eq!(many(style), many(style));
        assert_ne!(Generator::new(style, 1).message(), Generator::new(style, 2).message());
    }
}

/// The times in a message, but for reagents' expiries, which lie weeks ahead.
fn times(message: &Generated, now: Moment) -> Vec<String> {
    let text = String::from_utf8_lossy(&message.records).into_owned();
    let digits = text.split(|letter: char| !letter.is_ascii_digit());
    let expires = now.later(1_000_000).to_string();
    let times = digits.filter(|it| it.len() == 14 && it.starts_with("20") && **it < *expires);
    times.map(str::to_owned).collect()
}

#[test]
fn a_clock_that_is_held_back_dates_nothing_later_and_changes_nothing_else() {
    let start = Moment::default();
    let latest = start.later(3);
    for style in Style::ALL {
        let mut free = Generator::new(style, 7).starting_at(start);
        let mut held = free.clone();
        held.no_later_than(latest);
        let messages: Vec<_> = (0..50).map(|_| (free.message(), held.message())).collect();
        for (free, held) in &messages {
            let ahead: Vec<_> =
                times(held, latest).into_iter().filter(|time| *time > latest.to_string()).collect();
            assert!(ahead.is_empty(), "{style}: {ahead:?}");
            assert_eq!(free.results, held.results, "{style}");
        }
        let runs_ahead = |(free, _): &(Generated, Generated)| {
            times(free, latest).iter().any(|time| *time > latest.to_string())
        };
        assert!(messages.iter().any(runs_ahead), "{style}: what it must notice");
        assert!(messages.iter().all(|(_, held)| !times(held, latest).is_empty()), "{style} tells times");
    }
}

#[test]
fn frames_carry_right_checksums_and_put_the_message_together_again() {
    for style in Style::ALL {
        let message = Generator::new(style, 5).message();
        let parts = cut(&message.records, style.framing());
        for (number, part) in parts.iter().enumerate() {
            let frame = emit((number + 1) as u8, part);
            let end = frame.len() - 4;
            let sum: u32 = frame[1..end].iter().map(|byte| u32::from(*byte)).sum();
            assert_eq!(frame[end..], *format!("{:02X}\r\n", sum % 256).as_bytes());
            assert!(part.text.len() <= 240);
        }
        let together: Vec<u8> = parts.iter().flat_map(|part| part.text.clone()).collect();
        assert_eq!(together, message.records);
        assert_eq!(parts.iter().filter(|part| part.ends_message).count(), 1);
    }
}

#[test]
fn a_yumizen_attachment_is_cut_in_mid_field() {
    let message = Generator::new(Style::YumizenH500, 5).message();
    let parts = cut(&message.records, Style::YumizenH500.framing());
    assert!(parts.iter().filter(|part| part.end == FrameEnd::Etb && part.text.len() == 240).count() > 10);
}

#[test]
fn an_architect_sends_several_messages_in_one_transfer() {
    let mut generator = Generator::new(Style::Architect, 1);
    let sizes: BTreeSet<usize> = (0..100).map(|_| generator.transfer().len()).collect();
    assert_eq!(sizes, (1..=10).collect());
    assert_eq!(Generator::new(Style::ErbaXl, 1).transfer().len(), 1);
}

#[test]
fn each_model_asks_in_its_own_shape() {
    for style in Style::ALL {
        let question = String::from_utf8(Generator::new(style, 1).query("SIM17")).unwrap();
        let records: Vec<&str> = question.split_terminator('\r').collect();
        let (asks, ends) = if style == Style::CobasPro { ("QPD|", "RCP|") } else { ("Q|1|", "L|1") };
        assert!(records[1].starts_with(asks) && records[1].contains("SIM17"), "{question}");
        assert!(records[2].starts_with(ends), "{question}");
    }
}

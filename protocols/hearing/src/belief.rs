//! How likely each line is, by everything that was heard of it.

use std::collections::{BTreeMap, BTreeSet};

use crate::forecast::Line;
use crate::traffic::{Talk, talks};
use crate::{Heard, Parity, Setting};

/// Readings that a port can make: a byte, with an error or without.
const READINGS: usize = 512;
/// How many of the characters that a forecast is made of nothing foresees, at least: sparks, and words that nobody thought of.
const UNFORESEEN: f64 = 0.02;
/// How far apart clocks are, in per cent, and how late an edge is seen, in bits.
const CLOCKS: [f64; 3] = [-1.2, 0.0, 1.2];
const LATE: [f64; 2] = [0.01, 0.05];
/// As likely as noise is in a million lines.
const NOISE: f64 = 2_000.0;
/// As likely as inverted levels are, of the same million, for each speed and form.
const INVERTED: u32 = 1_000;
/// The most characters that are looked at of one transmission, and as how many they count at most: neighbours on a line depend on
/// each other, and more of the same teaches nothing.
const LOOKED_AT: usize = 600;
const COUNTED: f64 = 10.0;
/// From here on it is told as certain.
const SURE: f64 = 0.97;
/// From here on a line's form is worth a transmission with it.
const FORM_KNOWN: f64 = 0.9;
/// Below this a setting isn't.
const WORTH_TRYING: f64 = 0.005;
/// Two lines between which what was heard makes no more difference than this can't be told apart by it (natural logarithm).
const SAME: f64 = 2.0;

/// What is believed of a line. It begins with what is usual.
#[derive(Debug)]
pub struct Belief {
    lines: Vec<Believed>,
    noise_usual: f64,
    noise_fits: f64,
    errors: Errors,
    forecasts: BTreeMap<Setting, Forecast>,
    heard: BTreeMap<Setting, Count>,
    tried: BTreeSet<Setting>,
}

#[derive(Debug, Clone, Copy)]
struct Believed {
    setting: Setting,
    levels: Levels,
    /// Natural logarithms: of how usual it is, and of how likely it makes what was heard.
    usual: f64,
    fits: f64,
}

/// Which level is which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Levels {
    Right,
    /// Logic levels meet RS-232's.
    Inverted,
}

/// What was heard with one setting.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    pub characters: u64,
    pub marred: u64,
    pub transmissions: u64,
}

/// Whether a port tells that a character came with an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Errors {
    Told,
    /// A pseudo-terminal knows of none, and some adapters don't say.
    Untold,
}

/// What is believed of a line by now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing was heard.
    Silent,
    /// No usual setting explains what was heard.
    Noise,
    /// Its levels are upside down, at this speed: mark is where space should be.
    Inverted { baud: u32 },
    /// A port with this setting heard it well, and nothing else explains all of it.
    Sure(Choice),
    /// The likeliest of several, or one with which nothing was heard yet.
    Unsure(Choice),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    pub setting: Setting,
    /// Less usual ones that put what was heard on the wire in the very same way.
    pub alike: Vec<Setting>,
    /// In how many of a hundred cases it is one of these.
    pub percent: u8,
}

impl Belief {
    pub fn new(errors: Errors) -> Belief {
        let usual = Setting::usual();
        let all: f64 = usual.iter().map(|(_, many)| f64::from(*many)).sum::<f64>() + NOISE;
        let line = |setting, levels, many: u32| Believed {
            setting,
            levels,
            usual: (f64::from(many) / all).ln(),
            fits: 0.0,
        };
        let right = usual.iter().map(|(setting, many)| line(*setting, Levels::Right, *many));
        let inverted = usual
            .iter()
            .filter(|(setting, _)| setting.bits_a_character() == 10 && setting.parity != Parity::Odd)
            .map(|(setting, _)| line(*setting, Levels::Inverted, INVERTED));
        Belief {
            lines: right.chain(inverted).collect(),
            noise_usual: (NOISE / all).ln(),
            noise_fits: 0.0,
            errors,
            forecasts: BTreeMap::new(),
            heard: BTreeMap::new(),
            tried: BTreeSet::new(),
        }
    }

    /// Begins anew with another line.
    pub fn forget(&mut self) {
        self.lines.iter_mut().for_each(|line| line.fits = 0.0);
        self.noise_fits = 0.0;
        self.heard.clear();
        self.tried.clear();
    }

    /// Takes one transmission, or a part of one, that a port heard with this setting: nothing, where it waited in vain.
    pub fn hear(&mut self, port: Setting, heard: &[Heard]) {
        self.tried.insert(port);
        if heard.is_empty() {
            return;
        }
        let count = self.heard.entry(port).or_default();
        count.transmissions += 1;
        count.characters += heard.len() as u64;
        count.marred += heard.iter().filter(|it| it.is_marred).count() as u64;
        let readings: Vec<usize> = heard.iter().take(LOOKED_AT).map(|it| reading(*it, self.errors)).collect();
        let (lines, errors) = (&mut self.lines, self.errors);
        let forecast = self.forecasts.entry(port).or_insert_with(|| Forecast::of(port, lines, errors));
        let weight = (COUNTED / readings.len() as f64).min(1.0);
        for (line, talks) in lines.iter_mut().zip(&forecast.lines) {
            line.fits += weight * talks.fit(&readings);
        }
        self.noise_fits += weight * heard.iter().take(LOOKED_AT).map(|it| noise(*it)).sum::<f64>();
    }

    /// What was heard so far, by the port's setting.
    pub fn heard(&self) -> &BTreeMap<Setting, Count> {
        &self.heard
    }

    /// How the port had best be set for the next transmission. Unless one form of characters is all but certain, that is 8N1 of
    /// the likeliest speed: it shows each bit of a character of ten bits, whatever the eighth of them is.
    pub fn next(&self) -> Setting {
        let ranked = self.ranked();
        match (self.verdict(), ranked.first()) {
            (Verdict::Silent, _) | (_, None) => return Setting::FIRST,
            (Verdict::Sure(choice), _) => return choice.setting,
            (_, Some((best, share))) if *share > FORM_KNOWN && !self.tried.contains(&best.setting) => {
                return best.setting;
            }
            _ => {}
        }
        let mut bauds: BTreeMap<u32, f64> = BTreeMap::new();
        for (line, share) in &ranked {
            *bauds.entry(line.setting.baud).or_default() += share;
        }
        let plain = bauds.iter().map(|(baud, share)| (Setting { baud: *baud, ..Setting::FIRST }, *share));
        let each = ranked.iter().map(|(line, share)| (line.setting, *share));
        let mut untried: Vec<(Setting, f64)> = plain
            .chain(each)
            .filter(|(setting, share)| *share > WORTH_TRYING && !self.tried.contains(setting))
            .collect();
        untried.sort_by(|(_, a), (_, b)| b.total_cmp(a));
        let best = ranked.first().map_or(Setting::FIRST, |(line, _)| line.setting);
        untried.first().map_or(best, |(setting, _)| *setting)
    }

    pub fn verdict(&self) -> Verdict {
        let ranked = self.ranked();
        let Some((best, _)) = ranked.first().filter(|_| !self.heard.is_empty()) else {
            return Verdict::Silent;
        };
        let alike = |line: &Believed| line.levels == Levels::Right && (line.fits - best.fits).abs() < SAME;
        let share: f64 = ranked.iter().filter(|(line, _)| alike(line)).map(|(_, share)| share).sum();
        if ranked.iter().map(|(_, share)| share).sum::<f64>() < 0.5 {
            return Verdict::Noise;
        }
        if best.levels == Levels::Inverted {
            return Verdict::Inverted { baud: best.setting.baud };
        }
        let choice = Choice {
            setting: best.setting,
            alike: ranked
                .iter()
                .map(|(line, _)| line)
                .filter(|line| alike(line) && line.setting != best.setting)
                .map(|line| line.setting)
                .collect(),
            percent: (share * 100.0).clamp(0.0, 100.0) as u8,
        };
        let plain = Setting { baud: best.setting.baud, ..Setting::FIRST };
        // Nothing of a character of ten bits escapes a port with 8N1.
        let is_clean = [best.setting, plain].iter().any(|setting| {
            self.heard.get(setting).is_some_and(|it| it.characters > 0 && it.marred * 10 <= it.characters)
        });
        if share >= SURE && is_clean { Verdict::Sure(choice) } else { Verdict::Unsure(choice) }
    }

    /// Each line with its share of belief, the likeliest first. What is missing to 1 is noise.
    fn ranked(&self) -> Vec<(Believed, f64)> {
        let noise = self.noise_usual + self.noise_fits;
        let most = self.lines.iter().map(|line| line.usual + line.fits).fold(noise, f64::max);
        let weight = |line: &Believed| (line.usual + line.fits - most).exp();
        let all = self.lines.iter().map(weight).sum::<f64>() + (noise - most).exp();
        let mut ranked: Vec<(Believed, f64)> =
            self.lines.iter().map(|line| (*line, weight(line) / all)).collect();
        ranked.sort_by(|(_, a), (_, b)| b.total_cmp(a));
        ranked
    }
}

/// How likely each reading is at a port, for each line.
#[derive(Debug)]
struct Forecast {
    lines: Vec<OfLine>,
}

/// Of one line: for each kind of talk, how usual it is and how likely it makes each reading, as natural logarithms.
#[derive(Debug)]
struct OfLine {
    talks: Vec<(f64, Vec<f32>)>,
}

impl Forecast {
    fn of(port: Setting, lines: &[Believed], errors: Errors) -> Forecast {
        let talks = talks();
        let of_line = |line: &Believed| OfLine {
            talks: talks
                .iter()
                .map(|talk| ((f64::from(talk.share) / 1000.0).ln(), likely(talk, line, port, errors)))
                .collect(),
        };
        Forecast { lines: lines.iter().map(of_line).collect() }
    }
}

impl OfLine {
    /// How likely it makes these readings, whatever the talk is.
    fn fit(&self, readings: &[usize]) -> f64 {
        let of_talk = |(share, likely): &(f64, Vec<f32>)| {
            share
                + readings
                    .iter()
                    .map(|reading| f64::from(likely.get(*reading).copied().unwrap_or_default()))
                    .sum::<f64>()
        };
        let fits: Vec<f64> = self.talks.iter().map(of_talk).collect();
        let most = fits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        most + fits.iter().map(|fit| (fit - most).exp()).sum::<f64>().ln()
    }
}

/// How likely each reading is while this is said on a line, at a port.
fn likely(talk: &Talk, line: &Believed, port: Setting, errors: Errors) -> Vec<f32> {
    let mut wire = Line::of(line.setting);
    for (place, byte) in talk.bytes.iter().enumerate() {
        wire.send(line.setting, *byte);
        wire.rest(talk.pause(place));
    }
    if line.levels == Levels::Inverted {
        wire = wire.inverted();
    }
    let mut counts = vec![0.0; READINGS];
    for clock in CLOCKS {
        for late in LATE {
            for heard in wire.read(port, clock, late) {
                if let Some(count) = counts.get_mut(reading(heard, errors)) {
                    *count += 1.0;
                }
            }
        }
    }
    smooth(&counts)
}

/// The natural logarithm of each reading's share. The more different readings there were among so many, the more others there may
/// be (Witten and Bell); those are as often marred as the known ones.
fn smooth(counts: &[f64]) -> Vec<f32> {
    let all: f64 = counts.iter().sum::<f64>().max(1.0);
    let kinds = counts.iter().filter(|count| **count > 0.0).count() as f64;
    let unknown = kinds.max(all * UNFORESEEN);
    let marred = counts.iter().skip(READINGS / 2).sum::<f64>() / all * 0.9 + 0.05;
    let share = |(reading, count): (usize, &f64)| {
        let alike = if reading < READINGS / 2 { 1.0 - marred } else { marred };
        (count + unknown * alike * 2.0 / READINGS as f64) / (all + unknown)
    };
    counts.iter().enumerate().map(share).map(|share| share.ln() as f32).collect()
}

/// How likely noise is read so, as a natural logarithm: a level that turns over now and then, at one of these rates a bit.
fn noise(heard: Heard) -> f64 {
    const RATES: [f64; 4] = [0.04, 0.12, 0.3, 0.5];
    let bits = u16::from(heard.byte) << 1 | u16::from(!heard.is_marred) << 9;
    let changes = ((bits ^ (bits >> 1)) & 0x1FF).count_ones();
    let likely = |rate: &f64| rate.powi(changes as i32) * (1.0 - rate).powi(9 - changes as i32);
    (RATES.iter().map(likely).sum::<f64>() / RATES.len() as f64).ln()
}

fn reading(heard: Heard, errors: Errors) -> usize {
    let marred = usize::from(heard.is_marred && errors == Errors::Told);
    usize::from(heard.byte) + marred * 256
}

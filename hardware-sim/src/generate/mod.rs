//! Invented messages in the shapes that seven models send, and what each of them says.
//!
//! Shapes, codes, units and ranges are the models'; patients, specimens, lots and serial numbers are made up.
//! The same style and seed give the same messages.

mod architect;
mod centaur;
mod cobas;
mod draft;
mod dxh;
mod erba;
mod moment;
mod vitros;
mod yumizen;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::chance::Chance;
use crate::frame::{FrameStyle, Framing};
use draft::Draft;
pub use moment::Moment;

/// The model whose messages are imitated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Style {
    /// Immunoassay; replicates of one test in one message, `No Result`.
    Vitros3600,
    /// Haematology; attachments longer than a frame.
    YumizenH500,
    /// Chemistry; one result a message, the whole message in one frame, `` ` `` repeats.
    ErbaXl,
    /// Haematology; delimiters `\!~`, flags inside the value field.
    UnicelDxh,
    /// Immunoassay; several aspects of one test.
    CentaurXp,
    /// Immunoassay; several messages in one transfer, `> 250.0`.
    Architect,
    /// Immunoassay over HL7; failed runs.
    CobasPro,
}

/// What a model speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    Astm,
    /// HL7 v2 in MLLP blocks.
    Mllp,
}

impl Style {
    pub const ALL: [Style; 7] = [
        Style::Vitros3600,
        Style::YumizenH500,
        Style::ErbaXl,
        Style::UnicelDxh,
        Style::CentaurXp,
        Style::Architect,
        Style::CobasPro,
    ];

    pub fn protocol(self) -> Protocol {
        if self == Style::CobasPro { Protocol::Mllp } else { Protocol::Astm }
    }

    pub fn name(self) -> &'static str {
        match self {
            Style::Vitros3600 => "vitros-3600",
            Style::YumizenH500 => "yumizen-h500",
            Style::ErbaXl => "erba-xl",
            Style::UnicelDxh => "unicel-dxh",
            Style::CentaurXp => "centaur-xp",
            Style::Architect => "architect",
            Style::CobasPro => "cobas-pro",
        }
    }

    /// What the model calls itself in its header (the first component of H.5 or MSH-3); empty where it doesn't.
    pub fn sender(self) -> &'static str {
        match self {
            Style::Vitros3600 => "3600SIM",
            Style::YumizenH500 => "H500",
            Style::ErbaXl => "",
            Style::UnicelDxh => "DxH",
            Style::CentaurXp => "UIW_LIS",
            Style::Architect => "ARCHITECT",
            Style::CobasPro => "cobas pro",
        }
    }

    /// How the model cuts its messages into frames.
    pub fn framing(self) -> Framing {
        let style = match self {
            Style::ErbaXl => FrameStyle::Packed,
            _ => FrameStyle::RecordPerFrame,
        };
        Framing { style, max_text: 240 }
    }

    /// Tells the styles' specimen numbers apart.
    fn digit(self) -> u8 {
        match self {
            Style::Vitros3600 => 1,
            Style::YumizenH500 => 2,
            Style::ErbaXl => 3,
            Style::UnicelDxh => 4,
            Style::CentaurXp => 5,
            Style::Architect => 6,
            Style::CobasPro => 7,
        }
    }

    fn specimen(self, seed: u64, count: u64) -> String {
        let number = format!("{}{:03}{count:06}", self.digit(), seed % 1000);
        match self {
            Style::UnicelDxh | Style::CentaurXp => format!("{number:0>12}"),
            _ => format!("SIM{number}"),
        }
    }
}

impl fmt::Display for Style {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Style {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = || Style::ALL.map(Style::name).join(", ");
        let style = Style::ALL.into_iter().find(|style| style.name() == name);
        style.ok_or_else(|| format!("no analyzer style \"{name}\"; there are {}", known()))
    }
}

/// One result as it stands in the message.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ExpectedResult {
    /// Exactly as sent, without rack and position.
    pub specimen: String,
    /// The instrument's test code without its neighbours in the field.
    pub code: String,
    /// Which side of the measurement (`DOSE`, `RLU`, `F`, `I` …); empty where the model sends one only.
    pub aspect: String,
    /// 1 for the first value of this code and aspect in the message, 2 for the next.
    pub replicate: u32,
    /// The whole value field exactly as sent.
    pub value: String,
    /// Exactly as sent; empty where none is.
    pub unit: String,
    /// The status letter as sent.
    pub status: String,
}

/// A message and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generated {
    /// The specimen number as sent.
    pub specimen: String,
    /// H to L, or MSH and what follows it, each ended by CR.
    pub records: Vec<u8>,
    /// In the order of the records.
    pub results: Vec<ExpectedResult>,
}

impl AsRef<[u8]> for Generated {
    fn as_ref(&self) -> &[u8] {
        &self.records
    }
}

/// Makes messages one after another. Specimen numbers differ between styles and between seeds below 1000.
#[derive(Debug, Clone)]
pub struct Generator {
    style: Style,
    seed: u64,
    chance: Chance,
    now: Moment,
    latest: Option<Moment>,
    made: u64,
    odd: f64,
}

impl Generator {
    /// Starts on an invented day; see [`Generator::starting_at`].
    pub fn new(style: Style, seed: u64) -> Self {
        Generator {
            style,
            seed,
            chance: Chance::seeded_for(seed, style.name()),
            now: Moment::default(),
            latest: None,
            made: 0,
            odd: 0.1,
        }
    }

    pub fn style(&self) -> Style {
        self.style
    }

    /// The analyzer's clock at the first message; it goes on by some minutes from one to the next.
    pub fn starting_at(mut self, now: Moment) -> Self {
        self.now = now;
        self
    }

    /// From now on the analyzer's clock stands still rather than run ahead of this. What it measures stays as its seed has it.
    pub fn no_later_than(&mut self, latest: Moment) {
        self.latest = Some(latest);
    }

    /// It never goes back.
    fn go_on(&mut self, seconds: u64) {
        let next = self.now.later(seconds);
        self.now = self.latest.map_or(next, |latest| next.min(latest).max(self.now));
    }

    /// The share of values that aren't plain: missing, off-scale, in doubt. 0.1 unless set.
    pub fn with_odd(mut self, share: f64) -> Self {
        self.odd = share;
        self
    }

    pub fn message(&mut self) -> Generated {
        self.made += 1;
        let pause = self.chance.between(20, 400);
        self.go_on(pause);
        let specimen = self.style.specimen(self.seed, self.made);
        let mut draft = Draft::new(specimen, self.now, self.odd, &mut self.chance);
        match self.style {
            Style::Vitros3600 => vitros::write(&mut draft),
            Style::YumizenH500 => yumizen::write(&mut draft),
            Style::ErbaXl => erba::write(&mut draft),
            Style::UnicelDxh => dxh::write(&mut draft),
            Style::CentaurXp => centaur::write(&mut draft),
            Style::Architect => architect::write(&mut draft),
            Style::CobasPro => cobas::write(&mut draft, self.seed * 1_000_000 + self.made),
        }
        draft.finish()
    }

    /// What the model sends in one transfer, or in a row: one message, or several where it collects them.
    pub fn transfer(&mut self) -> Vec<Generated> {
        let messages = match self.style {
            Style::Architect => self.chance.between(1, 10),
            Style::CobasPro => self.chance.between(1, 3),
            _ => 1,
        };
        (0..messages).map(|_| self.message()).collect()
    }

    /// A host query for one specimen, in the model's shape.
    pub fn query(&mut self, specimen: &str) -> Vec<u8> {
        self.go_on(2);
        let now = self.now;
        match self.style {
            Style::Vitros3600 => {
                format!("H|\\^&|||3600SIM||||||||LIS2-A|{now}\rQ|1|^{specimen}||ALL||||||||O\rL|1|N\r")
            }
            Style::ErbaXl => {
                format!("H|`^&||||||||||P|E 1394-97|{now}\rQ|1|^{specimen}|||S|||||||O\rL|1|N\r")
            }
            Style::UnicelDxh => {
                format!("H|\\!~|||DxH|||||LIS||P|LIS2-A|{now}\rQ|1|!{specimen}||ALL||||||||O\rL|1|N\r")
            }
            Style::CentaurXp => {
                let range = format!("^{specimen}^0024^A");
                format!("H|\\^&|||UIW_LIS|||||LIS_ID||P||{now}\rQ|1|{range}|{range}|ALL||||||||O\rL|1|N\r")
            }
            Style::CobasPro => format!(
                "MSH|^~\\&|cobas pro||Host||{now}+0000||QBP^Q11^QBP_Q11|Q{now}|P|2.5.1|||NE|AL\rQPD|INISEQ^^99ROC|1|{specimen}\rRCP|I\r"
            ),
            Style::YumizenH500 | Style::Architect => {
                let sender = if self.style == Style::Architect { "ARCHITECT" } else { "H500" };
                format!("H|\\^&|||{sender}|||||||P|1|{now}\rQ|1|^{specimen}||^^^ALL||||||||O\rL|1|N\r")
            }
        }
        .into_bytes()
    }
}

//! One analyte's value for one specimen.

use jiff::{SignedDuration, Timestamp};

use super::{
    AppliedRange, Conversion, Dilution, HoldReason, InstrumentId, InstrumentTime, Private, Reported,
    SpecimenId, Value, Words,
};

/// How far an instrument's clock may be ahead of ours before its times are in doubt.
const AHEAD: SignedDuration = SignedDuration::from_hours(1);

/// When something was measured. Nothing where the instrument didn't tell, or its clock runs ahead of ours.
pub fn measured_at(told_at: Option<Timestamp>, received_at: Timestamp) -> Option<Timestamp> {
    told_at.filter(|told| told.duration_since(received_at) <= AHEAD)
}

/// What an analyzer reported, read by a profile, before any rule has looked at it.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    pub instrument: InstrumentId,
    /// The profile and its revision, as `name/revision`.
    pub profile: String,
    pub specimen: SpecimenId,
    /// The specimen number exactly as sent.
    pub specimen_as_sent: Private<String>,
    pub patient: Private<Patient>,
    pub class: SampleClass,
    pub test: TestIdentity,
    /// 1 for the first value of this test identity in its order, 2 for the next, …
    pub replicate: u32,
    pub value: Value,
    /// The whole value field exactly as sent.
    pub value_as_sent: String,
    /// The unit exactly as sent, or the instrument's declared one where it sends none.
    pub unit: Option<String>,
    pub unit_source: UnitSource,
    /// By what the specimen was diluted, where the profile says what its values are. The value is the undiluted specimen's.
    pub dilution: Option<Dilution>,
    /// What it comes to in the unit that is reported, where signed rules know the analyte.
    pub conversion: Option<Conversion>,
    /// As sent.
    pub reference_range: Option<String>,
    /// The site's own range for this patient, or why there is none; nothing where the site has none for the test.
    pub site_range: Option<Result<AppliedRange, String>>,
    /// Abnormal flags as sent, one an element.
    pub flags: Vec<String>,
    pub status: Status,
    /// The status letter as sent.
    pub status_as_sent: String,
    pub standing: Standing,
    pub started: Option<InstrumentTime>,
    pub completed: Option<InstrumentTime>,
    pub operator: Option<Private<String>>,
    /// The instrument's own serial number or module, as sent with the result.
    pub analyzer_unit: Option<String>,
    /// Rack, carrier and position as sent.
    pub position: Option<String>,
    pub priority: Option<String>,
    pub specimen_type: Option<String>,
    /// What the LIMS calls this test.
    pub lims_code: Option<String>,
    pub loinc: Option<String>,
    pub comments: Vec<Comment>,
    pub attachments: Vec<Attachment>,
    /// The ordinal, from 0, of the record within its message that this was read from.
    pub record: u32,
}

impl Observation {
    /// The value in the reported unit, where it was converted.
    pub fn reported(&self) -> Option<&Reported> {
        self.conversion.as_ref()?.outcome.as_ref().ok()
    }

    /// Why the value wasn't converted, where signed rules refused.
    pub fn not_converted(&self) -> Option<&str> {
        self.conversion.as_ref()?.outcome.as_ref().err().map(String::as_str)
    }

    /// The unit as sent, if any was.
    pub fn sent_unit(&self) -> Option<&str> {
        self.unit.as_deref().filter(|_| self.unit_source == UnitSource::Sent)
    }

    /// The unit that the instrument's file declares, where none was sent.
    pub fn declared_unit(&self) -> Option<&str> {
        self.unit.as_deref().filter(|_| self.unit_source == UnitSource::Declared)
    }

    /// What it comes to in the reported unit, off-scale as it was sent: `<18 umol/L`.
    pub fn reported_in_words(&self) -> Option<String> {
        let it = self.reported()?;
        Some(format!("{}{} {}", self.sign(), it.number, it.unit))
    }

    /// The comparator of an off-scale value; else nothing.
    fn sign(&self) -> &'static str {
        self.value.comparator().map_or("", |comparator| comparator.as_str())
    }

    /// Its test, value and unit as sent, and what it comes to in the reported unit, or why it doesn't.
    pub fn in_words(&self) -> String {
        let sent = [&self.test.code, &self.value_as_sent, self.unit.as_deref().unwrap_or_default()].join(" ");
        let sent = match self.declared_unit() {
            Some(_) => format!("{sent} (the unit is declared, none was sent)"),
            None => sent,
        };
        let sent = match self.flags_in_words() {
            Some(flags) => format!("{sent}, flagged {flags}"),
            None => sent,
        };
        match (self.reported(), self.not_converted()) {
            (Some(it), _) => {
                let value = self.reported_in_words().unwrap_or_default();
                format!("{sent}, reported as {value} by {}", it.basis)
            }
            (None, Some(why)) => format!("{sent}, not converted: {why}"),
            (None, None) => sent,
        }
    }

    /// What was sent, for where the reported value takes its place; or why there is no reported one, or that no unit was
    /// sent.
    pub fn told_of_conversion(&self) -> Option<String> {
        if let Some(why) = self.not_converted() {
            let unsent = self.declared_unit().map(|unit| format!("; no unit was sent, {unit} is declared"));
            return Some(format!("not converted: {why}{}", unsent.unwrap_or_default()));
        }
        let unsent = self.declared_unit().map(|unit| format!("no unit was sent, {unit} is declared"));
        let Some(reported) = self.reported() else { return unsent };
        let sent = match unsent {
            Some(unsent) => format!("{} ({unsent})", self.value_as_sent.trim()),
            None => [self.value_as_sent.trim(), self.unit.as_deref().unwrap_or_default()].join(" "),
        };
        let range = self.reference_range.as_ref().map(|range| format!(", range {range}")).unwrap_or_default();
        Some(format!(
            "as sent: {}{range}; exactly {}{} {}",
            sent.trim_end(),
            self.sign(),
            reported.exact,
            reported.unit
        ))
    }

    /// What is told beside the site's range: the instrument's own, the flag where the instrument has its own, or why there
    /// is no range.
    pub fn told_of_range(&self) -> Vec<String> {
        let Some(outcome) = &self.site_range else { return Vec::new() };
        // A conversion tells of it too.
        let sent = self
            .reference_range
            .as_deref()
            .filter(|text| !text.trim().is_empty() && self.reported().is_none());
        let sent = sent.map(|text| format!("range as sent: {text}"));
        let more = match outcome {
            Ok(range) => {
                let beside = range.flag.filter(|_| self.has_flags());
                beside.map(|flag| format!("by the laboratory's range: {}", flag.letter()))
            }
            Err(why) => Some(format!("no reference range: {why}")),
        };
        sent.into_iter().chain(more).collect()
    }

    /// Has it wait for one reason more.
    pub fn hold(&mut self, reason: HoldReason) {
        match &mut self.standing {
            Standing::Held(reasons) => reasons.push(reason),
            clear @ Standing::Clear => *clear = Standing::Held(vec![reason]),
        }
    }

    /// For what of it another configuration might read otherwise it was held when it was read, let go since or not.
    pub fn held_by_reading(&self) -> impl Iterator<Item = HoldReason> {
        let reasons = match &self.standing {
            Standing::Held(reasons) => reasons.as_slice(),
            Standing::Clear => &[],
        };
        reasons.iter().copied().filter(|reason| reason.is_by_reading())
    }

    /// When the instrument says that it was measured.
    pub fn told_at(&self) -> Option<Timestamp> {
        self.completed.as_ref().or(self.started.as_ref())?.instant
    }

    /// Whether the instrument sent an abnormal flag.
    pub fn has_flags(&self) -> bool {
        self.flags.iter().any(|flag| !flag.trim().is_empty())
    }

    /// The flags that call it anything but normal, as sent.
    pub fn flags_in_words(&self) -> Option<String> {
        let flags = self.flags.iter().map(|flag| flag.trim()).filter(|flag| !matches!(*flag, "" | "N"));
        Some(flags.collect::<Vec<_>>().join(", ")).filter(|flags| !flags.is_empty())
    }

    /// What is told of its dilution beside the value.
    pub fn told_of_dilution(&self) -> Option<String> {
        Some(self.dilution.as_ref()?.told(&self.value_as_sent))
    }

    /// What a hold of this result means, for a technician.
    pub fn why_held(&self, reason: HoldReason) -> Words {
        let text = Words::fixed(reason.text());
        match (reason, self.not_converted()) {
            (HoldReason::NotConverted, Some(why)) => Words::row([text, why.into()], ": "),
            _ => text,
        }
    }

    /// Whether it goes by another code than this one, so that a LIMS would not put it in the same place. A code that only
    /// one of them has tells nothing, but the LIMS's own: without that it goes by the instrument's.
    pub fn goes_by_another_code(&self, other: &Observation) -> bool {
        let loinc = [self, other].map(|it| it.loinc.as_deref());
        self.code_at_the_lims() != other.code_at_the_lims()
            || matches!(loinc, [Some(this), Some(that)] if this != that)
    }

    /// The LIMS's own code, or the instrument's where there is none.
    pub fn code_at_the_lims(&self) -> &str {
        self.lims_code.as_deref().unwrap_or(&self.test.code)
    }

    /// Whether the analyzer took it back: whoever lets it leave lets that leave, and no value.
    pub fn is_taken_back(&self) -> bool {
        matches!(&self.standing, Standing::Held(reasons) if reasons.contains(&HoldReason::Withdrawn))
    }

    /// Whether the run gave no value, or one that must not be taken for a result.
    pub fn is_without_value(&self) -> bool {
        self.status == Status::Failed || matches!(self.value, Value::Absent { .. })
    }
}

/// Which measurement this is. Two observations with different identities never replace one another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TestIdentity {
    /// The instrument's code.
    pub code: String,
    /// Which side of one measurement: `DOSE`, `RLU`, `F`, `I`, `P` …; empty where there is one only.
    pub aspect: String,
    /// A part of a composite value; empty where there is one only.
    pub component: String,
    /// The dilution as sent; empty where none was named.
    pub dilution: String,
}

/// What somebody says of a patient. The instrument's word never overwrites the LIMS's own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Patient {
    /// The number.
    pub id: String,
    /// Who assigned it, as [`authority`](super::authority()) writes that; empty where nobody says. The same number of another
    /// authority is another patient's.
    pub authority: String,
    pub name: String,
    pub birth_date: String,
    pub sex: String,
    pub location: String,
}

impl Patient {
    /// Whether what both say of the day of birth or of the sex can't be said of one person.
    pub fn contradicts(&self, other: &Patient) -> bool {
        let differ = |one: String, two: String| !one.is_empty() && !two.is_empty() && one != two;
        differ(self.day_of_birth(), other.day_of_birth())
            || differ(self.letter_of_sex(), other.letter_of_sex())
    }

    /// Whether both say something of a patient that can't be said of one. Analyzers cut names and change their case, so of
    /// the name only a family name that neither begins nor continues the other's is another.
    pub fn is_other(&self, told: &Patient) -> bool {
        let differ = |sent: &str, told: &str| !sent.is_empty() && !told.is_empty() && sent != told;
        let family = |name: &str| {
            let end = name.find(['^', ',', ' ']).unwrap_or(name.len());
            name.get(..end).unwrap_or_default().to_lowercase()
        };
        let (one, other) = (family(self.name.trim()), family(told.name.trim()));
        let renamed = differ(&one, &other) && !one.starts_with(&other) && !other.starts_with(&one);
        differ(self.id.trim(), told.id.trim()) || self.contradicts(told) || renamed
    }

    /// Whether both name a person and a day of birth, and others: more than one correction makes of one patient.
    pub fn may_be_another(&self, other: &Patient) -> bool {
        let (born, name) = (self.day_of_birth(), self.name_in_words());
        let (other_born, other_name) = (other.day_of_birth(), other.name_in_words());
        let is_renamed = !name.is_empty()
            && !other_name.is_empty()
            && !name.starts_with(&other_name)
            && !other_name.starts_with(&name);
        is_renamed && !born.is_empty() && !other_born.is_empty() && born != other_born
    }

    /// As newer words have it. What they leave out or can't be read as stays, and so does what they only write otherwise.
    pub fn brought_up_to_date(&self, newer: &Patient) -> Patient {
        let either =
            |new: &str, old: &str, says_another: bool| if says_another { new } else { old }.to_owned();
        let differ = |new: &str, old: &str| !new.trim().is_empty() && new.trim() != old.trim();
        let (day, name) = (newer.day_of_birth(), newer.plain_name());
        let letter = newer.letter_of_sex();
        let is_of_another = !newer.id.trim().is_empty() && newer.authority != self.authority;
        let number = if is_of_another || differ(&newer.id, &self.id) { newer } else { self };
        let is_same_sex = !letter.is_empty() && letter == self.letter_of_sex();
        Patient {
            id: number.id.clone(),
            authority: number.authority.clone(),
            name: either(&newer.name, &self.name, differ(&name, &self.plain_name())),
            birth_date: either(&newer.birth_date, &self.birth_date, differ(&day, &self.day_of_birth())),
            sex: either(&newer.sex, &self.sex, !is_same_sex && differ(&newer.sex, &self.sex)),
            location: either(&newer.location, &self.location, differ(&newer.location, &self.location)),
        }
    }

    /// The name without what only its writing adds.
    pub fn plain_name(&self) -> String {
        self.name.trim().trim_end_matches('^').to_lowercase()
    }

    fn name_in_words(&self) -> String {
        let plain = self.name.to_lowercase();
        let words = plain.split(|sign: char| !sign.is_alphanumeric()).filter(|word| !word.is_empty());
        words.collect::<Vec<_>>().join(" ")
    }

    /// The eight digits of the day of birth, or as many as there are.
    pub fn day_of_birth(&self) -> String {
        self.birth_date.chars().filter(char::is_ascii_digit).take(8).collect()
    }

    /// `M` or `F`; empty for what says neither.
    fn letter_of_sex(&self) -> String {
        let letter = self.sex.trim().chars().next().map(|letter| letter.to_ascii_uppercase());
        letter.filter(|letter| matches!(letter, 'M' | 'F')).map(String::from).unwrap_or_default()
    }
}

/// Whose word the unit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnitSource {
    Sent,
    /// The analyzer sent none; its file declares one for the test.
    Declared,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SampleClass {
    Patient,
    /// Quality control: never on a patient's record.
    Control,
    Calibration,
}

/// What the instrument says of the result, by its profile's table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Preliminary,
    Final,
    Correction,
    /// The run failed or could not be done: told to the LIMS as such, never as a value.
    Failed,
}

/// Whether the result may leave by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    Clear,
    /// A person must look first.
    Held(Vec<super::HoldReason>),
}

/// A comment record, in order of appearance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// Who wrote it, as sent: P, L, I …
    pub source: String,
    pub text: Private<String>,
    pub kind: String,
}

/// A manufacturer's record that travels with a result: a histogram, a scattergram, reagent lots. Content as sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// The kind of record, and its label where it has one.
    pub kind: String,
    /// The record's text as sent, decoded by the instrument's character set.
    pub content: Private<String>,
}

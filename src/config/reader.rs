//! Reads TOML tables key by key and notes everything that is wrong, so that one run names every mistake of a
//! file. It never stops at the first and it knows nothing of what the keys mean.

use std::fmt::Display;
use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use toml::de::{DeTable, DeValue};

use super::complaint::Remarks;
use super::nearest::{either, nearest};
use super::secret::Secrets;
use super::survey::Place;

/// Reads a whole file. `None` after a syntax error, which hides what follows it.
pub(super) fn document<T>(
    text: &str,
    remarks: &Remarks,
    read: impl FnOnce(&mut Table<'_>) -> T,
) -> Option<T> {
    match DeTable::parse(text) {
        Ok(document) => {
            let root = Table::new(document.get_ref(), String::new(), 0..0, remarks, remarks.survey.clone());
            Some(root.read(read))
        }
        Err(error) => {
            remarks.error(error.span().unwrap_or(0..0), error.message());
            None
        }
    }
}

/// One table while it is being read. Keys that nobody asked for are errors.
pub(super) struct Table<'t> {
    entries: &'t DeTable<'t>,
    /// Its full name, such as `destination.lims`; empty for the file itself.
    path: String,
    span: Range<usize>,
    asked: Vec<&'static str>,
    keys: Keys,
    remarks: &'t Remarks,
    place: Place,
}

enum Keys {
    /// Known to the reader: any other is an error.
    Known,
    /// Chosen by the file.
    Free,
}

impl<'t> Table<'t> {
    fn new(
        entries: &'t DeTable<'t>,
        path: String,
        span: Range<usize>,
        remarks: &'t Remarks,
        place: Place,
    ) -> Table<'t> {
        place.table();
        Table { entries, path, span, asked: Vec::new(), keys: Keys::Known, remarks, place }
    }

    fn read<T>(mut self, read: impl FnOnce(&mut Table<'t>) -> T) -> T {
        let value = read(&mut self);
        if let Keys::Known = self.keys {
            self.refuse_unknown_keys();
        }
        value
    }

    /// Notes an error about this table as a whole.
    pub(super) fn error(&self, message: impl Into<String>) {
        self.remarks.error(self.span.clone(), message);
    }

    /// How many errors the file has up to now.
    pub(super) fn count_of_errors(&self) -> usize {
        self.remarks.count()
    }

    pub(super) fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// `[serial]`, or `this file`.
    pub(super) fn title(&self) -> String {
        if self.path.is_empty() { "this file".to_owned() } else { format!("[{}]", self.path) }
    }

    /// The value of a key, if it is there.
    pub(super) fn entry(&mut self, key: &'static str) -> Option<Entry<'t>> {
        self.asked.push(key);
        let place = self.place.key(key);
        let value = self.entries.get(key)?;
        Some(Entry { name: key, value: value.get_ref(), span: value.span(), remarks: self.remarks, place })
    }

    /// The value of a key that must be there; `example` shows what to write.
    pub(super) fn required(&mut self, key: &'static str, example: &str) -> Option<Entry<'t>> {
        self.place.require(key);
        let entry = self.entry(key);
        if entry.is_none() {
            self.error(format!("{} has no {key}; write {key} = {example}", self.title()));
        }
        entry
    }

    pub(super) fn text(&mut self, key: &'static str) -> Option<String> {
        self.place.key(key).text();
        self.entry(key)?.text().map(str::to_owned)
    }

    pub(super) fn flag(&mut self, key: &'static str) -> Option<bool> {
        self.place.key(key).flag();
        self.entry(key)?.flag()
    }

    pub(super) fn number<N>(&mut self, key: &'static str, bounds: RangeInclusive<N>) -> Option<N>
    where
        N: TryFrom<u64> + PartialOrd + Display,
    {
        self.place.key(key).number(bounds.start(), bounds.end());
        self.entry(key)?.number(bounds)
    }

    /// A number of seconds; the key's name says so.
    pub(super) fn seconds(&mut self, key: &'static str, bounds: RangeInclusive<u64>) -> Option<Duration> {
        self.number(key, bounds).map(Duration::from_secs)
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(&mut self, key: &'static str, words: &[(&str, T)]) -> Option<T> {
        self.place.key(key).words(words.iter().map(|(word, _)| *word));
        self.entry(key)?.choice(words)
    }

    /// A text that `parse` understands; its error says what to write.
    pub(super) fn parsed<T>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        self.place.key(key).text();
        self.entry(key)?.parsed(parse)
    }

    /// A list; what is wrong with an element is noted at that element, which is then left out.
    pub(super) fn list<T>(
        &mut self,
        key: &'static str,
        element: impl FnMut(Entry<'t>) -> Option<T>,
    ) -> Option<Vec<T>> {
        Some(self.entry(key)?.list()?.into_iter().filter_map(element).collect())
    }

    /// The same of a list that takes all where it is left out: an empty one, which says the opposite, is a mistake.
    pub(super) fn narrowing<T>(
        &mut self,
        key: &'static str,
        element: impl FnMut(Entry<'t>) -> Option<T>,
    ) -> Vec<T> {
        let Some(entry) = self.entry(key) else { return Vec::new() };
        let elements = entry.list();
        if elements.as_ref().is_some_and(Vec::is_empty) {
            entry.error(format!("{key} is empty; name at least one, or leave {key} out"));
        }
        elements.unwrap_or_default().into_iter().filter_map(element).collect()
    }

    pub(super) fn table<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&mut Table<'t>) -> T,
    ) -> Option<T> {
        let path = self.path_of(key);
        Some(self.entry(key)?.table(path)?.read(read))
    }

    /// `[[key]]`, in the order of the file.
    pub(super) fn tables<T>(
        &mut self,
        key: &'static str,
        mut read: impl FnMut(&mut Table<'t>) -> T,
    ) -> Vec<T> {
        let path = self.path_of(key);
        self.list(key, |entry| Some(entry.table(path.clone())?.read(&mut read))).unwrap_or_default()
    }

    /// `[key.NAME]`: tables whose names the file chooses, in the order of their names.
    pub(super) fn named_tables<T>(
        &mut self,
        key: &'static str,
        mut read: impl FnMut(Name<'t>, &mut Table<'t>) -> T,
    ) -> Vec<T> {
        let entries = self.table(key, |table| table.free_entries()).unwrap_or_default();
        let path = self.path_of(key);
        entries
            .into_iter()
            .filter_map(|(name, entry)| {
                let table = entry.table(format!("{path}.{}", name.text))?;
                Some(table.read(|table| read(name, table)))
            })
            .collect()
    }

    /// All entries of a table whose keys the file chooses.
    pub(super) fn free_entries(&mut self) -> Vec<(Name<'t>, Entry<'t>)> {
        self.keys = Keys::Free;
        let remarks = self.remarks;
        let place = self.place.any_key();
        self.entries
            .iter()
            .map(|(key, value)| {
                let name: &'t str = key.get_ref();
                let place = place.clone();
                let entry = Entry { name, value: value.get_ref(), span: value.span(), remarks, place };
                (Name { text: name, span: key.span(), remarks }, entry)
            })
            .collect()
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn refuse_unknown_keys(&self) {
        for key in self.entries.keys() {
            let name: &str = key.get_ref();
            if self.asked.contains(&name) {
                continue;
            }
            let advice = match nearest(name, self.asked.iter().copied()) {
                Some(known) => format!("did you mean \"{known}\"?"),
                None => format!("write {}", either(self.asked.iter().copied())),
            };
            self.remarks.error(key.span(), format!("unknown key \"{name}\" in {}; {advice}", self.title()));
        }
    }
}

/// A key that the file chose.
pub(super) struct Name<'t> {
    pub(super) text: &'t str,
    span: Range<usize>,
    remarks: &'t Remarks,
}

impl Name<'_> {
    pub(super) fn error(&self, message: impl Into<String>) {
        self.remarks.error(self.span.clone(), message);
    }
}

/// One value while it is being read.
pub(super) struct Entry<'t> {
    name: &'t str,
    value: &'t DeValue<'t>,
    span: Range<usize>,
    remarks: &'t Remarks,
    place: Place,
}

impl<'t> Entry<'t> {
    pub(super) fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// The same value under the name of what it means, where the file chose its key.
    pub(super) fn named(self, name: &'t str) -> Entry<'t> {
        Entry { name, ..self }
    }

    /// What is wanted with the secret that this may name.
    pub(super) fn secrets(&self) -> Secrets {
        self.remarks.secrets
    }

    pub(super) fn error(&self, message: impl Into<String>) {
        self.remarks.error(self.span(), message);
    }

    pub(super) fn warning(&self, message: impl Into<String>) {
        self.remarks.warning(self.span(), message);
    }

    /// Notes that this value won't do, and what would.
    pub(super) fn refuse(&self, write: &str) {
        self.error(format!("{} is {}; write {write}", self.name, self.shown()));
    }

    pub(super) fn text(&self) -> Option<&'t str> {
        self.place.text();
        match self.value {
            DeValue::String(text) => Some(text),
            _ => {
                self.refuse("text in quotes");
                None
            }
        }
    }

    pub(super) fn flag(&self) -> Option<bool> {
        self.place.flag();
        match self.value {
            DeValue::Boolean(flag) => Some(*flag),
            _ => {
                self.refuse("true or false");
                None
            }
        }
    }

    pub(super) fn number<N>(&self, bounds: RangeInclusive<N>) -> Option<N>
    where
        N: TryFrom<u64> + PartialOrd + Display,
    {
        self.place.number(bounds.start(), bounds.end());
        let number = match self.value {
            DeValue::Integer(digits) => u64::from_str_radix(digits.as_str(), digits.radix()).ok(),
            _ => None,
        };
        let within = number.and_then(|number| N::try_from(number).ok()).filter(|n| bounds.contains(n));
        if within.is_none() {
            self.refuse(&format!("a number from {} to {}", bounds.start(), bounds.end()));
        }
        within
    }

    pub(super) fn choice<T: Copy>(&self, words: &[(&str, T)]) -> Option<T> {
        self.place.words(words.iter().map(|(word, _)| *word));
        let write = either(words.iter().map(|(word, _)| *word));
        let DeValue::String(given) = self.value else {
            self.refuse(&write);
            return None;
        };
        let chosen = words.iter().find(|(word, _)| word == given).map(|(_, meaning)| *meaning);
        if chosen.is_none() {
            self.error(format!("unknown {} {}; write {write}", self.name, self.shown()));
        }
        chosen
    }

    pub(super) fn parsed<T>(&self, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        parse(self.text()?).map_err(|message| self.error(message)).ok()
    }

    pub(super) fn list(&self) -> Option<Vec<Entry<'t>>> {
        let place = self.place.element();
        let DeValue::Array(elements) = self.value else {
            self.refuse("a list in brackets");
            return None;
        };
        let element = |element: &'t toml::Spanned<DeValue<'t>>| Entry {
            name: self.name,
            value: element.get_ref(),
            span: element.span(),
            remarks: self.remarks,
            place: place.clone(),
        };
        Some(elements.iter().map(element).collect())
    }

    fn table(&self, path: String) -> Option<Table<'t>> {
        let DeValue::Table(entries) = self.value else {
            self.refuse(&format!("a table, [{path}]"));
            return None;
        };
        Some(Table::new(entries, path, self.span(), self.remarks, self.place.clone()))
    }

    /// The value as a message shows it: short, on one line.
    fn shown(&self) -> String {
        match self.value {
            DeValue::String(text) if text.chars().count() > 60 => "a long text".to_owned(),
            DeValue::String(text) => format!("{text:?}"),
            DeValue::Integer(number) => number.to_string(),
            DeValue::Float(number) => number.to_string(),
            DeValue::Boolean(flag) => flag.to_string(),
            DeValue::Datetime(_) => "a date".to_owned(),
            DeValue::Array(_) => "a list".to_owned(),
            DeValue::Table(_) => "a table".to_owned(),
        }
    }
}

//! What the readers of a configuration ask for, noted while they read: which keys there are, what each takes, and which must
//! be there. It decides nothing, and when nobody asks for it nothing is noted.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// What readers asked of one place of a file. More than one may be asked of it, by turns.
#[derive(Debug, Default)]
pub(super) struct Shape {
    pub(super) text: bool,
    pub(super) flag: bool,
    /// The least and the greatest whole number.
    pub(super) number: Option<(u64, u64)>,
    /// Words of which one is chosen, in the order in which a reader knows them.
    pub(super) words: Vec<String>,
    /// What each element of a list is.
    pub(super) element: Option<Place>,
    pub(super) table: Option<Members>,
    /// What a manual says of it; empty where it says nothing.
    pub(super) description: String,
}

/// What readers asked of a table.
#[derive(Debug, Default)]
pub(super) struct Members {
    /// How often a table stood here and was read.
    pub(super) read: usize,
    pub(super) known: BTreeMap<&'static str, Known>,
    /// What stands under keys that the file chooses.
    pub(super) any: Option<Place>,
}

/// A key that a reader asked for.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) place: Place,
    /// How often the table couldn't do without it.
    pub(super) required: usize,
}

/// One place of a file, where it is to be noted what readers ask of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Place(Option<Rc<RefCell<Shape>>>);

impl Place {
    /// A place of which everything is noted that is asked of it and of what is in it.
    pub(super) fn noted() -> Place {
        Place(Some(Rc::default()))
    }

    /// Shows what was noted; nothing where nothing is.
    pub(super) fn look<T>(&self, look: impl FnOnce(&Shape) -> T) -> Option<T> {
        self.0.as_ref().map(|shape| look(&shape.borrow()))
    }

    pub(super) fn text(&self) {
        self.note(|shape| shape.text = true);
    }

    pub(super) fn flag(&self) {
        self.note(|shape| shape.flag = true);
    }

    /// Bounds as they are shown; what isn't a number that a file may hold counts as 0.
    pub(super) fn number(&self, least: &dyn ToString, greatest: &dyn ToString) {
        self.note(|shape| {
            let bound = |it: &dyn ToString| it.to_string().parse().unwrap_or_default();
            let (least, greatest): (u64, u64) = (bound(least), bound(greatest));
            let wider = |(low, high): (u64, u64)| (low.min(least), high.max(greatest));
            shape.number = Some(shape.number.map_or((least, greatest), wider));
        });
    }

    pub(super) fn words<'w>(&self, words: impl Iterator<Item = &'w str>) {
        self.note(|shape| {
            for word in words {
                if !shape.words.iter().any(|known| known == word) {
                    shape.words.push(word.to_owned());
                }
            }
        });
    }

    /// A table begins here.
    pub(super) fn table(&self) {
        self.note(|shape| shape.table.get_or_insert_default().read += 1);
    }

    pub(super) fn key(&self, key: &'static str) -> Place {
        self.within(|shape| &mut shape.table.get_or_insert_default().known.entry(key).or_default().place)
    }

    pub(super) fn require(&self, key: &'static str) {
        self.note(|shape| {
            shape.table.get_or_insert_default().known.entry(key).or_default().required += 1;
        });
    }

    /// What stands under keys that the file chooses.
    pub(super) fn any_key(&self) -> Place {
        self.within(|shape| shape.table.get_or_insert_default().any.get_or_insert_default())
    }

    pub(super) fn element(&self) -> Place {
        self.within(|shape| shape.element.get_or_insert_default())
    }

    /// What is known of the place that these names lead to, through the elements of lists; nothing of one that nobody asked for.
    pub(super) fn at(&self, path: &[String]) -> Place {
        let Some((step, rest)) = path.split_first() else { return self.clone() };
        let next = self.look(|shape| {
            let element = shape.element.as_ref();
            match (&shape.table, element) {
                (Some(table), _) => {
                    let known = table.known.get(step.as_str()).map(|known| &known.place);
                    known.or(table.any.as_ref()).map_or_else(Place::default, |place| place.at(rest))
                }
                (None, Some(element)) => element.at(path),
                (None, None) => Place::default(),
            }
        });
        next.unwrap_or_default()
    }

    /// What was said first stays.
    pub(super) fn describe(&self, words: &str) {
        self.note(|shape| {
            if shape.description.is_empty() {
                words.clone_into(&mut shape.description);
            }
        });
    }

    fn note(&self, note: impl FnOnce(&mut Shape)) {
        if let Some(shape) = &self.0 {
            note(&mut shape.borrow_mut());
        }
    }

    /// A place within this one, made where it is asked for first.
    fn within(&self, find: impl FnOnce(&mut Shape) -> &mut Place) -> Place {
        let Some(shape) = &self.0 else { return Place::default() };
        let mut shape = shape.borrow_mut();
        let inner = find(&mut shape);
        inner.0.get_or_insert_default();
        inner.clone()
    }
}

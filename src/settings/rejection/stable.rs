//! What can be wrong in a file of stable configuration.

/// What is wrong in a file of stable configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StableFault {
    /// The text cannot be read as YAML.
    Yaml(YamlFault),
    /// A part that has another form than this.
    Not {
        /// The key that the part belongs to; empty for the whole file.
        key: &'static str,
        /// The form that is accepted.
        form: Form,
    },
    /// A key that has no meaning there.
    UnknownKey {
        /// The key; empty if it is no text.
        key: String,
        /// The keys that have a meaning.
        known: &'static [&'static str],
    },
    /// A key that is missing.
    Missing {
        /// The key.
        key: &'static str,
        /// The list in which an element lacks it.
        of: &'static str,
    },
    /// Not one of these words.
    Word {
        /// The key.
        key: &'static str,
        /// Its value.
        given: String,
        /// The words that are accepted.
        words: &'static [&'static str],
    },
    /// A template that does not end.
    OpenTemplate,
}

impl StableFault {
    /// What applies instead.
    pub fn consequence(&self) -> &'static str {
        match self {
            StableFault::Yaml(_) | StableFault::Not { key: "", .. } => "the file is not used",
            StableFault::OpenTemplate => "the default is kept",
            StableFault::UnknownKey { .. } => "the key is ignored",
            _ => "this part of the file is ignored",
        }
    }
}

/// The forms of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Keys with values.
    Mapping,
    /// A list.
    List,
    /// Text, a number, true or false.
    Scalar,
}

/// Why a text cannot be read as YAML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum YamlFault {
    /// It is not UTF-8.
    NotUtf8,
    /// It breaks a rule of YAML.
    Syntax {
        /// What the parser says.
        error: String,
    },
    /// There is a second document in the file.
    SecondDocument,
    /// Lists and mappings are nested too deeply.
    TooDeep {
        /// How deeply they may be.
        max: usize,
    },
    /// There are too many values, or aliases repeat too much.
    TooMany,
}

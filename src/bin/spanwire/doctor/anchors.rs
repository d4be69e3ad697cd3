//! Finds the first of many words in the beginning of a line, in one pass: an Aho-Corasick automaton over classes of
//! bytes. The words are those by which a tracer's line is recognised.

/// Bytes of a line in which a word must end.
const REACH: usize = 512;

/// The automaton. States are numbered; state 0 is the start.
pub struct Anchors {
    /// The class of each byte; 0 for bytes that occur in no word.
    class: [u8; 256],
    classes: usize,
    /// The next state, indexed by state and class.
    next: Vec<u16>,
    /// The word that ends in a state, plus one; 0 for none.
    ends: Vec<u16>,
}

impl Anchors {
    /// Builds the automaton. No word may be part of another.
    pub fn new(words: &[&str]) -> Anchors {
        let mut class = [0u8; 256];
        let mut classes = 1;
        for byte in words.iter().flat_map(|word| word.bytes()) {
            if class[byte as usize] == 0 {
                class[byte as usize] = classes as u8;
                classes += 1;
            }
        }
        let mut anchors = Anchors { class, classes, next: vec![0; classes], ends: vec![0] };
        for (n, word) in words.iter().enumerate() {
            let mut state = 0;
            for byte in word.bytes() {
                let slot = state * classes + class[byte as usize] as usize;
                if anchors.next[slot] == 0 {
                    anchors.next[slot] = anchors.ends.len() as u16;
                    anchors.next.extend(std::iter::repeat_n(0, classes));
                    anchors.ends.push(0);
                }
                state = anchors.next[slot] as usize;
            }
            anchors.ends[state] = n as u16 + 1;
        }
        anchors.link();
        anchors
    }

    /// Fills in the transitions after a mismatch, breadth first, so that the state of the shorter suffix is already
    /// complete.
    fn link(&mut self) {
        let mut fail = vec![0usize; self.ends.len()];
        let mut queue: Vec<usize> =
            self.next[..self.classes].iter().filter(|s| **s != 0).map(|s| *s as usize).collect();
        let mut at = 0;
        while at < queue.len() {
            let state = queue[at];
            at += 1;
            if self.ends[state] == 0 {
                self.ends[state] = self.ends[fail[state]];
            }
            for class in 0..self.classes {
                let slot = state * self.classes + class;
                let back = self.next[fail[state] * self.classes + class];
                match self.next[slot] as usize {
                    0 => self.next[slot] = back,
                    child => {
                        fail[child] = back as usize;
                        queue.push(child);
                    }
                }
            }
        }
    }

    /// Returns the first word in `line` that ends after `from`: its number, and the position of its end.
    pub fn find(&self, line: &[u8], from: usize) -> Option<(usize, usize)> {
        let reach = line.len().min(REACH);
        let mut state = 0;
        for (n, byte) in line.get(from..reach)?.iter().enumerate() {
            state = self.next[state * self.classes + self.class[*byte as usize] as usize] as usize;
            if self.ends[state] != 0 {
                return Some((self.ends[state] as usize - 1, from + n + 1));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_word_is_found_wherever_it_stands_and_whatever_came_close_before() {
        let anchors = Anchors::new(&["[ddtrace.", "[ddtrace] [", "lost ", "[[x"]);
        assert_eq!(anchors.find(b"a [ddtrace] [span] lost ", 0), Some((1, 13)));
        assert_eq!(anchors.find(b"a [ddtrace] [span] lost ", 13), Some((2, 24)));
        assert_eq!(anchors.find(b"[ddtrace[ddtrace.", 0), Some((0, 17)));
        assert_eq!(anchors.find(b"[[[x", 0), Some((3, 4)));
        assert_eq!(anchors.find(b"nothing \xff\x00 of it", 0), None);
        assert_eq!(anchors.find(b"", 3), None);
        let far = [&[b' '; REACH][..], b"lost "].concat();
        assert_eq!(anchors.find(&far, 0), None);
    }
}

//! The chain of tags: which may follow which, the best path, and how sure each tag is.

/// Where a token stands in a name of a kind. `Outside`, then begin and inside of each kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tag(pub u8);

impl Tag {
    pub const OUTSIDE: Self = Self(0);
    pub const COUNT: usize = 9;

    pub const fn begin(kind: usize) -> Self {
        Self(1 + 2 * kind as u8)
    }

    pub const fn inside(kind: usize) -> Self {
        Self(2 + 2 * kind as u8)
    }

    pub const fn kind(self) -> Option<usize> {
        if self.0 == 0 { None } else { Some((self.0 as usize - 1) / 2) }
    }

    pub const fn is_begin(self) -> bool {
        self.0 % 2 == 1
    }
}

const N: usize = Tag::COUNT;

/// What a tag costs behind another one. Inside follows only begin or inside of its kind.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Transitions(pub [[f32; N]; N]);

/// Weights of the tags at one token.
pub type Scores = [f32; N];
/// A tag for each token.
pub type Path = Vec<Tag>;

const NEVER: f32 = -1.0e4;

impl Default for Transitions {
    fn default() -> Self {
        let mut table = [[0.0; N]; N];
        for (from, row) in table.iter_mut().enumerate() {
            for (to, cost) in row.iter_mut().enumerate() {
                if !allowed(from, to) {
                    *cost = NEVER;
                }
            }
        }
        Self(table)
    }
}

pub(crate) fn allowed(from: usize, to: usize) -> bool {
    to == 0 || to % 2 == 1 || from == to || from + 1 == to
}

impl Transitions {
    /// What a tag costs at the start of a text: what it costs behind `OUTSIDE`.
    fn start(&self, to: usize) -> f32 {
        self.0[0][to]
    }
}

/// The best path.
pub fn viterbi(scores: &[Scores], transitions: &Transitions) -> Path {
    let Some(first) = scores.first() else { return Vec::new() };
    let mut best: Scores = std::array::from_fn(|to| first[to] + transitions.start(to));
    let mut back: Vec<[u8; N]> = Vec::with_capacity(scores.len());
    for here in &scores[1..] {
        let mut next = [0.0; N];
        let mut from = [0_u8; N];
        for to in 0..N {
            let (mut top, mut at) = (f32::NEG_INFINITY, 0);
            for (source, score) in best.iter().enumerate() {
                let score = score + transitions.0[source][to];
                if score > top {
                    (top, at) = (score, source);
                }
            }
            next[to] = top + here[to];
            from[to] = at as u8;
        }
        best = next;
        back.push(from);
    }
    let mut at = (0..N).fold(0, |top, tag| if best[tag] > best[top] { tag } else { top });
    let mut path = vec![Tag(at as u8)];
    for from in back.iter().rev() {
        at = usize::from(from[at]);
        path.push(Tag(at as u8));
    }
    path.reverse();
    path
}

/// All paths at once: sums from the front and from the back, scaled so that they stay in range.
pub struct Lattice {
    steps: [[f32; N]; N],
    weights: Vec<Scores>,
    forward: Vec<Scores>,
    backward: Vec<Scores>,
}

impl Lattice {
    pub fn new(scores: &[Scores], transitions: &Transitions) -> Self {
        let steps: [[f32; N]; N] =
            std::array::from_fn(|from| std::array::from_fn(|to| transitions.0[from][to].exp()));
        let weights: Vec<Scores> = scores
            .iter()
            .map(|here| {
                let top = here.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                here.map(|score| (score - top).exp())
            })
            .collect();
        let mut forward: Vec<Scores> = Vec::with_capacity(weights.len());
        for weight in &weights {
            let column = match forward.last() {
                None => std::array::from_fn(|to| steps[0][to] * weight[to]),
                Some(before) => std::array::from_fn(|to| {
                    let sum: f32 = (0..N).map(|from| before[from] * steps[from][to]).sum();
                    sum * weight[to]
                }),
            };
            forward.push(scaled(column));
        }
        let mut backward = vec![[1.0; N]; weights.len()];
        for index in (1..weights.len()).rev() {
            let (weight, after) = (&weights[index], backward[index]);
            backward[index - 1] = scaled(std::array::from_fn(|from| {
                (0..N).map(|to| steps[from][to] * weight[to] * after[to]).sum()
            }));
        }
        Self { steps, weights, forward, backward }
    }

    /// How likely each tag is at a token.
    pub fn likely(&self, index: usize) -> Scores {
        let (forward, backward) = (&self.forward[index], &self.backward[index]);
        scaled(std::array::from_fn(|tag| forward[tag] * backward[tag]))
    }

    /// How likely each pair of tags is at a token and the one behind it.
    pub fn pairs(&self, index: usize) -> [[f32; N]; N] {
        let (before, weight, after) =
            (&self.forward[index], &self.weights[index + 1], &self.backward[index + 1]);
        let mut pairs: [[f32; N]; N] = std::array::from_fn(|from| {
            std::array::from_fn(|to| before[from] * self.steps[from][to] * weight[to] * after[to])
        });
        let sum = pairs.iter().flatten().sum::<f32>().max(f32::MIN_POSITIVE);
        pairs.iter_mut().flatten().for_each(|value| *value /= sum);
        pairs
    }
}

fn scaled(column: Scores) -> Scores {
    let sum = column.iter().sum::<f32>().max(f32::MIN_POSITIVE);
    column.map(|value| value / sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every path of three tokens, weighed one by one.
    fn by_hand(scores: &[Scores], transitions: &Transitions) -> (Vec<usize>, Vec<Scores>) {
        let mut sums = vec![[0.0_f32; N]; scores.len()];
        let (mut best, mut top, mut all) = (Vec::new(), f32::NEG_INFINITY, 0.0);
        for number in 0..N.pow(3) {
            let path = [number / N / N, number / N % N, number % N];
            let mut score = transitions.0[0][path[0]] + scores[0][path[0]];
            for at in 1..3 {
                score += transitions.0[path[at - 1]][path[at]] + scores[at][path[at]];
            }
            if score > top {
                (best, top) = (path.to_vec(), score);
            }
            all += score.exp();
            for at in 0..3 {
                sums[at][path[at]] += score.exp();
            }
        }
        sums.iter_mut().flatten().for_each(|sum| *sum /= all);
        (best, sums)
    }

    #[test]
    fn the_best_path_and_the_marginals_are_those_of_all_paths() {
        let mut transitions = Transitions::default();
        transitions.0[1][2] = 0.7;
        transitions.0[0][3] = -0.4;
        let mut scores = [[0.0; N]; 3];
        for (at, row) in scores.iter_mut().enumerate() {
            for (tag, score) in row.iter_mut().enumerate() {
                *score = ((at * 7 + tag * 5) % 11) as f32 / 4.0 - 1.0;
            }
        }
        let (best, sums) = by_hand(&scores, &transitions);
        let path: Vec<usize> =
            viterbi(&scores, &transitions).iter().map(|tag| usize::from(tag.0)).collect();
        assert_eq!(path, best);
        let lattice = Lattice::new(&scores, &transitions);
        for (at, known) in sums.iter().enumerate() {
            for (value, known) in lattice.likely(at).iter().zip(known) {
                assert!((value - known).abs() < 1e-4, "{sums:?}");
            }
        }
        let pairs = lattice.pairs(1);
        for (tag, known) in sums[2].iter().enumerate() {
            let sum: f32 = pairs.iter().map(|row| row[tag]).sum();
            assert!((sum - known).abs() < 1e-4, "pairs add up to the marginals");
        }
    }

    #[test]
    fn inside_follows_only_its_own_kind() {
        let mut scores = [[0.0; N]; 2];
        scores[0][1] = 1.0;
        scores[1][4] = 5.0;
        let path = viterbi(&scores, &Transitions::default());
        assert!(path[1] != Tag::inside(1) || path[0].kind() == Some(1));
    }
}

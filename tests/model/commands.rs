//! Commands as symbols: small numbers that are resolved against whatever exists when they run, so that any part of a
//! sequence is a sequence too. That is what makes shrinking simple.

/// SplitMix64: a seed names a sequence for ever.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}

/// Which options a line asks for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Options {
    None,
    Cola,
    JuiceAndTwo,
    NoSuchOption,
    NoSuchChoice,
    Twice,
    TooMany,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    pub sku: usize,
    pub quantity: u32,
    pub options: Options,
}

/// Which coupon an order comes with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Coupon {
    None,
    /// The member's n-th claim of a campaign, used or not.
    Mine {
        campaign: usize,
        ordinal: usize,
    },
    Somebodys {
        campaign: usize,
    },
    Invented,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Expect {
    Nothing,
    Right,
    Wrong,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    pub member: usize,
    pub store: usize,
    pub lines: Vec<Line>,
    pub coupon: Coupon,
    pub expect: Expect,
    /// Unique in a sequence unless repeated.
    pub key: usize,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pay {
    Exact,
    TooLittle,
    /// The same reference as the n-th payment of this order.
    Again(usize),
    Nothing,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Who {
    Right,
    Stranger,
    Operator,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Code {
    None,
    Word(usize),
    Number(u32),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Outcome {
    Succeeded,
    Failed,
    Retried,
}

/// A catalogue file, as few knobs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Variant {
    pub meal_price: i64,
    pub soup: bool,
    pub free: bool,
    pub fourth_store: bool,
    pub yuan_quota: u32,
    pub soup_stock: u32,
    pub set_stock: bool,
}

pub const FIRST_VARIANT: Variant = Variant {
    meal_price: 6_800,
    soup: true,
    free: true,
    fourth_store: false,
    yuan_quota: 3,
    soup_stock: 4,
    set_stock: false,
};

#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    Wait {
        millis: i64,
    },
    Claim {
        member: usize,
        campaign: usize,
    },
    Place(Place),
    /// The n-th request of the sequence again, perhaps with another body.
    Repeat {
        request: usize,
        other_body: bool,
    },
    Pay {
        order: usize,
        pay: Pay,
    },
    Cancel {
        order: usize,
        who: Who,
    },
    Accept {
        order: usize,
        who: Who,
        code: Code,
    },
    Reject {
        order: usize,
        who: Who,
    },
    Ready {
        order: usize,
        who: Who,
    },
    Collected {
        order: usize,
        who: Who,
    },
    Settle {
        order: usize,
        number: u16,
        outcome: Outcome,
    },
    SetStock {
        store: usize,
        sku: usize,
        available: Option<u32>,
    },
    Adjust {
        store: usize,
        sku: usize,
        delta: i32,
        key: usize,
    },
    Accepting {
        store: usize,
        accepting: bool,
        for_millis: Option<i64>,
    },
    Import(Variant),
    PassDeadline {
        order: usize,
    },
    PassDue,
    Restart,
}

pub const MINUTE: i64 = 60_000;
pub const HOUR: i64 = 60 * MINUTE;

pub fn sequence(random: &mut Random) -> Vec<Command> {
    let length = 20 + random.below(50);
    (0..length).map(|index| command(random, index)).collect()
}

fn command(random: &mut Random, index: usize) -> Command {
    // Mostly the youngest orders, so that lives are walked to their end; any order now and then.
    let order = if random.chance(75) { usize::MAX - random.below(3) } else { random.below(64) };
    let who = if random.chance(90) { Who::Right } else { random.pick(&[Who::Stranger, Who::Operator]) };
    match random.below(100) {
        0..24 => Command::Place(place(random, index)),
        24..29 => Command::Repeat { request: random.below(32), other_body: random.chance(30) },
        29..36 => Command::Claim { member: some_member(random), campaign: random.pick(&[0, 0, 0, 0, 1, 1, 1, 1, 2]) },
        36..51 => Command::Pay {
            order,
            pay: random.pick(&[
                Pay::Exact,
                Pay::Exact,
                Pay::Exact,
                Pay::Exact,
                Pay::TooLittle,
                Pay::Again(0),
                Pay::Again(1),
                Pay::Nothing,
            ]),
        },
        51..55 => Command::Cancel { order, who },
        55..63 => {
            let code = match random.below(5) {
                0 | 1 => Code::Word(random.below(2)),
                2 => Code::Number(101 + random.below(4) as u32),
                _ => Code::None,
            };
            Command::Accept { order, who, code }
        }
        63..66 => Command::Reject { order, who },
        66..71 => Command::Ready { order, who },
        71..76 => Command::Collected { order, who },
        76..80 => {
            let outcome = random.pick(&[Outcome::Succeeded, Outcome::Succeeded, Outcome::Failed, Outcome::Retried]);
            Command::Settle { order, number: 1 + random.below(3) as u16, outcome }
        }
        80..82 => {
            let available = random.pick(&[None, Some(0), Some(1), Some(7)]);
            Command::SetStock {
                store: some_store(random),
                sku: random.pick(&[0, 0, 1, 1, 2, 2, 3, 4, 4, 5]),
                available,
            }
        }
        82..85 => Command::Adjust {
            store: some_store(random),
            sku: random.pick(&[0, 0, 1, 1, 2, 2, 3, 4, 4, 5]),
            delta: random.below(9) as i32 - 4,
            key: if random.chance(60) { index } else { random.below(4) },
        },
        85..87 => Command::Accepting {
            store: some_store(random),
            accepting: random.chance(60),
            for_millis: random.pick(&[None, Some(5 * MINUTE)]),
        },
        87..89 => Command::Import(Variant {
            meal_price: random.pick(&[6_800, 6_500, 90]),
            soup: random.chance(70),
            free: random.chance(60),
            fourth_store: random.chance(50),
            yuan_quota: random.pick(&[0, 2, 3, 5]),
            soup_stock: random.pick(&[4, 9]),
            set_stock: random.chance(25),
        }),
        89..94 => Command::Wait {
            millis: random.pick(&[
                1,
                MINUTE,
                4 * MINUTE,
                10 * MINUTE,
                16 * MINUTE,
                HOUR,
                5 * HOUR,
                25 * HOUR,
                75 * HOUR,
            ]),
        },
        94 => Command::PassDeadline { order },
        95..98 => Command::PassDue,
        _ => Command::Restart,
    }
}

/// Mostly the one that is always open, so that orders meet each other; now and then one that is not there.
fn some_store(random: &mut Random) -> usize {
    random.pick(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 3, 4])
}

fn some_member(random: &mut Random) -> usize {
    random.pick(&[0, 0, 0, 1, 1, 2, 3])
}

fn place(random: &mut Random, index: usize) -> Place {
    let lines = if random.chance(2) { 0 } else { random.pick(&[1, 1, 1, 1, 1, 1, 2, 2, 3]) };
    let mut lines: Vec<Line> = (0..lines).map(|_| line(random)).collect();
    let coupon = match random.below(40) {
        0..16 => Coupon::Mine { campaign: random.below(2), ordinal: random.pick(&[0, 0, 0, 1]) },
        16 => Coupon::Somebodys { campaign: random.below(2) },
        17 => Coupon::Invented,
        _ => Coupon::None,
    };
    // With its coupon mostly the thing it is for, often that alone.
    if let Coupon::Mine { campaign, .. } = coupon
        && random.chance(85)
    {
        let wanted = [
            Line { sku: 0, quantity: 1, options: Options::Cola },
            Line { sku: 4, quantity: 1, options: Options::None },
        ];
        lines.truncate(random.below(3));
        lines.insert(random.below(lines.len() + 1), wanted[campaign].clone());
    }
    let expect = match random.below(20) {
        0 => Expect::Wrong,
        1..8 => Expect::Right,
        _ => Expect::Nothing,
    };
    Place { member: some_member(random), store: some_store(random), lines, coupon, expect, key: index }
}

fn line(random: &mut Random) -> Line {
    let sku = if random.chance(3) { 5 } else { random.pick(&[0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4]) };
    let options = match random.below(40) {
        0 => Options::None,
        1 => Options::NoSuchOption,
        2 => Options::NoSuchChoice,
        3 => Options::Twice,
        4 => Options::TooMany,
        5..18 => Options::JuiceAndTwo,
        _ => Options::Cola,
    };
    // Only the meal has options.
    let options = if sku == 0 || random.chance(2) { options } else { Options::None };
    let quantity = if random.chance(3) { random.pick(&[0, 1_000]) } else { random.pick(&[1, 1, 1, 1, 2, 2, 3]) };
    Line { sku, quantity, options }
}

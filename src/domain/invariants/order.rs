//! What one order shows by itself, open or closed.

use super::Findings;
use crate::domain::money::Fen;
use crate::domain::order::{LINES_MAX, Line, Order, PAYMENTS_MAX, QUANTITY_MAX, Status};

pub(super) fn amounts_add_up(order: &Order, found: &mut Findings) {
    let mut expect = |holds, detail: &dyn Fn() -> String| found.expect(holds, || order.id.to_string(), detail);
    let count = order.lines.len();
    expect((1..=LINES_MAX).contains(&count), &|| format!("{count} lines"));
    for (index, line) in order.lines.iter().enumerate() {
        expect(line_adds_up(line), &|| format!("line {index} is {line:?}"));
    }
    let lines: Fen = order.lines.iter().map(|line| line.amount).sum();
    let fees: Fen = order.fees.iter().map(|fee| fee.amount).sum();
    let discounts: Fen = order.lines.iter().map(|line| line.discount).sum();
    let Order { total, discount, payable, .. } = order;
    expect(*total == lines + fees, &|| format!("total {} of lines {} and fees {}", total.0, lines.0, fees.0));
    expect(*discount == discounts, &|| format!("discount {} allotted as {}", discount.0, discounts.0));
    let difference = *total - *discount;
    expect(*payable == difference, &|| format!("payable {} of {} less {}", payable.0, total.0, discount.0));
    expect(*payable >= Fen::ZERO, &|| format!("payable {}", payable.0));
    expect(order.coupon.is_some() || *discount == Fen::ZERO, &|| "a discount without a coupon".into());
}

fn line_adds_up(line: &Line) -> bool {
    let options: Fen = line.options.iter().map(|option| option.price).sum();
    let paid = line.amount - line.discount;
    (1..=QUANTITY_MAX).contains(&line.quantity)
        && line.unit_price >= options
        && line.amount == line.unit_price.times(line.quantity)
        && (Fen::ZERO..=line.amount).contains(&line.discount)
        && line.tax.is_none_or(|tax| (Fen::ZERO..=paid).contains(&tax))
}

pub(super) fn money_balances(order: &Order, found: &mut Findings) {
    let mut expect = |holds, detail: &dyn Fn() -> String| found.expect(holds, || order.id.to_string(), detail);
    // Looked at after every event of a replay: nothing is collected unless there is something to say.
    let ids = || order.payments.iter().map(|payment| (payment.provider.as_str(), &payment.reference));
    let count = order.payments.len();
    expect(count <= PAYMENTS_MAX, &|| format!("{count} payments"));
    let mut kept = Fen::ZERO;
    for (index, (payment, id)) in order.payments.iter().zip(ids()).enumerate() {
        let reference = &payment.reference;
        expect(payment.amount > Fen::ZERO, &|| format!("payment {reference} of {}", payment.amount.0));
        expect(!ids().take(index).any(|other| other == id), &|| format!("payment {reference} is there twice"));
        let mut refunds = order.refunds.iter().filter(|refund| (refund.provider.as_str(), &refund.payment) == id);
        match (refunds.next(), refunds.next()) {
            (None, _) => kept += payment.amount,
            (Some(refund), None) => {
                expect(refund.amount == payment.amount, &|| format!("payment {reference} is refunded in part"));
            }
            (Some(_), Some(_)) => expect(false, &|| format!("payment {reference} is refunded twice")),
        }
    }
    for (number, refund) in (1u16..).zip(&order.refunds) {
        expect(refund.number == number, &|| format!("refund {number} has number {}", refund.number));
        let known = ids().any(|id| id == (refund.provider.as_str(), &refund.payment));
        expect(known, &|| format!("refund {number} is of no payment"));
    }
    let due = match order.status {
        Status::Paid | Status::Accepted | Status::Ready | Status::Collected => order.payable,
        Status::AwaitingPayment | Status::Cancelled | Status::Rejected => Fen::ZERO,
    };
    let status = order.status.as_str();
    expect(kept == due, &|| format!("{} kept where an order that is {status} keeps {}", kept.0, due.0));
}

pub(super) fn life_follows_status(order: &Order, found: &mut Findings) {
    let mut expect = |holds, detail: &dyn Fn() -> String| found.expect(holds, || order.id.to_string(), detail);
    let times = [order.paid_at, order.accepted_at, order.ready_at, order.collected_at];
    let has = times.map(|time| time.is_some());
    let right = match order.status {
        Status::AwaitingPayment => has == [false; 4],
        Status::Paid => has == [true, false, false, false],
        Status::Accepted => has == [true, true, false, false],
        Status::Ready => has == [true, true, true, false],
        Status::Collected => has == [true; 4],
        Status::Cancelled => has == [has[0], false, false, false],
        Status::Rejected => has == [true, has[1], has[1] && has[2], false],
    };
    let status = order.status.as_str();
    expect(right, &|| format!("{status}, with paid, accepted, ready, collected at {times:?}"));
    let walked = || [Some(order.created_at)].into_iter().chain(times).chain([order.closed_at]).flatten();
    expect(walked().is_sorted(), &|| format!("its times go back: {:?}", walked().collect::<Vec<_>>()));
    let closed = order.closed_at.is_some();
    expect(closed == order.status.is_final(), &|| format!("{status}, with closed_at {:?}", order.closed_at));
    expect(order.deadline().is_some() != closed, &|| format!("{status}, with deadline {:?}", order.deadline()));
    let [paid, accepted, ..] = has;
    expect(order.position.is_some() == paid, &|| format!("{status}, with position {:?}", order.position));
    expect(order.wait_minutes.is_some() == paid, &|| format!("{status}, with promise {:?}", order.wait_minutes));
    expect(order.pickup_code.is_some() == accepted, &|| format!("{status}, with code {:?}", order.pickup_code));
    expect(order.status != Status::Rejected || order.reason.is_some(), &|| "rejected without a reason".into());
    expect(order.business_day == order.id.day(), &|| "its id is of another day".into());
    expect(order.offset >= 1, &|| "its offset is 0".into());
}

// Decimal amounts, reckoned in whole numbers: never as binary fractions.

/** Most digits behind the point that a quotient keeps. */
const DIGITS = 6;

/** An exact decimal: `units` hundredths when `scale` is 2. */
class Decimal {
  constructor(units, scale) {
    this.units = units;
    this.scale = scale;
  }

  plus(other) {
    const scale = Math.max(this.scale, other.scale);
    return new Decimal(this.at(scale) + other.at(scale), scale);
  }

  minus(other) {
    return this.plus(new Decimal(-other.units, other.scale));
  }

  times(other) {
    return new Decimal(this.units * other.units, this.scale + other.scale);
  }

  /** Divided by a whole number and rounded to `scale` digits, halves away from zero. */
  dividedBy(count, scale = Math.max(this.scale, DIGITS)) {
    const by = BigInt(count);
    const units = this.at(Math.max(scale, this.scale));
    const divisor = by * 10n ** BigInt(Math.max(this.scale - scale, 0));
    return new Decimal(halfAway(units, divisor), scale);
  }

  /** Rounded to `scale` digits, halves away from zero. */
  rounded(scale) {
    return scale >= this.scale ? this : this.dividedBy(1, scale);
  }

  compare(other) {
    const scale = Math.max(this.scale, other.scale);
    const [a, b] = [this.at(scale), other.at(scale)];
    return a < b ? -1 : a > b ? 1 : 0;
  }

  get isZero() {
    return this.units === 0n;
  }

  /** Decimal text: "19.95". */
  toString() {
    const digits = (this.units < 0n ? -this.units : this.units).toString().padStart(this.scale + 1, "0");
    const whole = digits.slice(0, digits.length - this.scale);
    const fraction = digits.slice(digits.length - this.scale);
    return `${this.units < 0n ? "-" : ""}${whole}${fraction === "" ? "" : `.${fraction}`}`;
  }

  at(scale) {
    return this.units * 10n ** BigInt(scale - this.scale);
  }
}

function halfAway(units, divisor) {
  const negative = units < 0n !== divisor < 0n;
  const [a, b] = [units < 0n ? -units : units, divisor < 0n ? -divisor : divisor];
  const whole = (2n * a + b) / (2n * b);
  return negative ? -whole : whole;
}

/** An exact decimal from text ("19.95"), a number of JSON or a bigint; undefined for anything else. */
export function decimal(value) {
  if (value instanceof Decimal) return value;
  if (!["string", "number", "bigint"].includes(typeof value)) return undefined;
  const found = /^([+-]?)(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?$/.exec(String(value).trim());
  if (!found) return undefined;
  const [, sign, whole, fraction = "", exponent = "0"] = found;
  const units = BigInt(whole + fraction) * (sign === "-" ? -1n : 1n);
  const scale = fraction.length - Number(exponent);
  return scale >= 0 ? new Decimal(units, scale) : new Decimal(units * 10n ** BigInt(-scale), 0);
}

/** The contract's `money`; undefined when the value is no decimal or there is no currency. */
export function money(value, currency) {
  const amount = decimal(value);
  return amount && currency ? { amount: amount.toString(), currency } : undefined;
}

/** Money that the marketplace gives in minor units: 1995 with 2 digits is 19.95. */
export function moneyFromMinor(units, digits, currency) {
  const amount = decimal(units);
  return money(amount && new Decimal(amount.units, amount.scale + digits), currency);
}

/**
 * The package for `require`: the constructor itself, with everything else on it.
 */
import errors = require('./errors.js');
import type events = require('./events.js');
import jail = require('./jail.js');
import type policy = require('./policy.js');
import type result = require('./result.js');

const JailKeeper = Object.assign(jail.JailKeeper, {
  JailKeeper: jail.JailKeeper,
  JailKeeperError: errors.JailKeeperError,
  default: jail.JailKeeper,
});

/** A jail. */
type JailKeeper = jail.JailKeeper;

/** The types of the package. */
declare namespace JailKeeper {
  export type JailKeeper = jail.JailKeeper;
  export type JailKeeperError = errors.JailKeeperError;
  export type JailKeeperEvents = jail.JailKeeperEvents;
  export type JailKeeperOptions = policy.JailKeeperOptions;
  export type AttachOptions = policy.AttachOptions;
  export type Entry = policy.Entry;
  export type RunOptions = result.RunOptions;
  export type RunResult<Output = string> = result.RunResult<Output>;
  export type Report = result.Report;
  export type ErrorCode = errors.ErrorCode;
  export type JailEvent = events.JailEvent;
  export type StartEvent = events.StartEvent;
  export type Outside = events.Outside;
  export type JailbreakEvent = events.JailbreakEvent;
  export type ProbeEvent = events.ProbeEvent;
  export type LimitEvent = events.LimitEvent;
  export type WarningEvent = events.WarningEvent;
  export type LostEvent = events.LostEvent;
  export type ExitEvent = events.ExitEvent;
  export type Ancestor = events.Ancestor;
  export type Mode = events.Mode;
  export type Usage = events.Usage;
}

export = JailKeeper;

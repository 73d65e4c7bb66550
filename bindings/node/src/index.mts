/**
 * The package for `import`: the same constructor as for `require`, so that `instanceof` holds.
 */
import Package from './index.js';

export const JailKeeper = Package.JailKeeper;
export type JailKeeper = Package.JailKeeper;
export const JailKeeperError = Package.JailKeeperError;
export type JailKeeperError = Package.JailKeeperError;
export type JailKeeperEvents = Package.JailKeeperEvents;
export type JailKeeperOptions = Package.JailKeeperOptions;
export type AttachOptions = Package.AttachOptions;
export type Entry = Package.Entry;
export type RunOptions = Package.RunOptions;
export type RunResult<Output = string> = Package.RunResult<Output>;
export type Report = Package.Report;
export type ErrorCode = Package.ErrorCode;
export type JailEvent = Package.JailEvent;
export type StartEvent = Package.StartEvent;
export type Outside = Package.Outside;
export type JailbreakEvent = Package.JailbreakEvent;
export type ProbeEvent = Package.ProbeEvent;
export type LimitEvent = Package.LimitEvent;
export type WarningEvent = Package.WarningEvent;
export type LostEvent = Package.LostEvent;
export type ExitEvent = Package.ExitEvent;
export type Ancestor = Package.Ancestor;
export type Mode = Package.Mode;
export type Usage = Package.Usage;
export default JailKeeper;

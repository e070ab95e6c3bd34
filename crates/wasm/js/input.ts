// What happened, as the module numbers it. (Constants, not members of an object: whoever bundles them
// puts the numbers in their place.)

export const Start = 0
export const Reconnect = 1
export const Wake = 2
export const Offline = 3
export const Online = 4
export const Stop = 5
export const Ended = 6
export const Aborted = 7
export const Bytes = 8
export const Pause = 9
export const Unpause = 10
export const Failed = 11
export const Event = 12
export const Opened = 13

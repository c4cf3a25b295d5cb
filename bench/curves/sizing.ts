export const writeSizing = () => {}

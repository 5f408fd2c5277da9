export const ACCEPT_LOSS =
  'Check the disk and restore the log from a backup. Or open it with acceptLoss: true (millrace run --accept-loss) ' +
  'to go on with what is left.'

export type Side = 'java' | 'millrace'

import { rolledApp } from './app.ts'

export default rolledApp(1)

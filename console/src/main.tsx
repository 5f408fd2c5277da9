import { render } from 'preact'
import './style/fonts.css'
import './style/base.css'
import './style/parts.css'
import './style/topology.css'
import './style/details.css'
import './style/pages.css'
import { App } from './app.tsx'
import { follow } from './data/overview.ts'
import { applyTheme } from './data/theme.ts'

applyTheme()
render(<App />, document.body)
void follow()

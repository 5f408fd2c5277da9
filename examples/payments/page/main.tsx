import { render } from 'preact'
import '../../../console/src/style/fonts.css'
import '../../kit/page.css'
import './style.css'
import { Board } from './board.tsx'
import { follow } from './bank.ts'

render(<Board />, document.body)
follow()

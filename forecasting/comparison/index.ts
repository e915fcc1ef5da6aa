export { type FamilyAnswer, forecastHeldOut, holdOutNewest } from './held-out.ts'
export { scoreTogether } from './score.ts'

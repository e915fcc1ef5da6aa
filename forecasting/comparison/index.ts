export { type FamilyAnswer, forecastHeldOut, HELD_OUT_DAYS, type HeldOut, holdOutNewest, LEAST_DAYS_BEFORE } from './held-out.ts'
export { type ComparedFamily, scoreTogether } from './score.ts'

/** The objects that the workloads of the harness are judged by. */
export { counterModel } from '../models/counter.ts';
export { mutexModel } from '../models/locks.ts';
export { casRegisterModel, registerModel } from '../models/register.ts';
